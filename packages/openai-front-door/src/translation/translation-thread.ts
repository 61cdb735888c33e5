import { parentPort } from 'node:worker_threads';
import { isFrontDoorError } from '../errors/front-door-error.ts';
import { describeRefusal } from './refusal.ts';
import { transferable, type ThreadAnswer, type ThreadRequest } from './thread-messages.ts';
import { RUN_JOB } from './translation-job.ts';

function run({ kind, json, plan }: ThreadRequest): ThreadAnswer {
  try {
    return { result: RUN_JOB[kind](json, plan as never) };
  } catch (error) {
    if (isFrontDoorError(error)) return { refusal: describeRefusal(error) };
    return { failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

parentPort?.on('message', (request: ThreadRequest) => {
  const answer = run(request);
  parentPort?.postMessage(answer, 'result' in answer ? transferable(answer.result) : []);
  // What was not handed back is given up now: a thread that rests does not collect its garbage, which may be a body of many megabytes.
  if (!request.json.buffer.detached) request.json.buffer.transfer(0);
});
