-- Posts the lines of a file, each once. There must be more of them than the time allows: with none left it stops
-- asking, and the figures would be too low, so `left` is told at the end.
-- wrk -t1 ... -s bodies.lua URL -- FILE PATH

function setup(thread)
  only = thread
end

function init(args)
  bodies = {}
  for line in io.lines(args[1]) do
    bodies[#bodies + 1] = line
  end
  at = 0
  left = #bodies
  headers = { ["content-type"] = "application/fhir+json", ["prefer"] = "return=minimal" }
  path = args[2]
end

function request()
  if at == #bodies then
    return wrk.format("GET", "/healthz")
  end
  at = at + 1
  left = #bodies - at
  return wrk.format("POST", path, headers, bodies[at])
end

function done(summary, latency, counted)
  io.write(string.format("figures %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    only:get("left")))
end
