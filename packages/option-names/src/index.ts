export { describeUnknownOption } from './describe-unknown-option.ts';
export { nearestName } from './nearest-name.ts';
