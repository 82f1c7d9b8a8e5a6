-- Asks for the addresses of a file, one a line, in their order, over and over; each thread begins elsewhere.
-- wrk ... -s paths.lua URL -- FILE

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  requests = {}
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", line)
  end
  at = math.floor(#requests * number / 4) % #requests
  refused = 0
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, counted)
  io.write(string.format("figures %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
