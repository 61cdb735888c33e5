import { FrontDoorError, type FrontDoorErrorCode, type FrontDoorErrorDetails } from '../errors/front-door-error.ts';

/** A `FrontDoorError` as plain data, without what lies underneath: that may quote the text. */
export interface Refusal {
  readonly code: FrontDoorErrorCode;
  readonly message: string;
  readonly details: FrontDoorErrorDetails;
}

/** The data of an error that a body is refused with. */
export function describeRefusal({ code, message, status, type, param }: FrontDoorError): Refusal {
  return { code, message, details: { status, type, ...(param === undefined ? {} : { param }) } };
}

/** The error of a refusal. */
export function refusalError({ code, message, details }: Refusal): FrontDoorError {
  return new FrontDoorError(code, message, details);
}
