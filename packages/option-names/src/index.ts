export { describeUnknownOption } from './describe-unknown-option.ts';
export { describeWrongOption, type OptionType } from './describe-wrong-option.ts';
export { nearestName } from './nearest-name.ts';
