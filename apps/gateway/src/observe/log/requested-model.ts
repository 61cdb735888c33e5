import { isKeyLike } from '../../config/problems/secret-fields.ts';

/** What the names of models are made of, on every provider; a client may send any text in the place of one. */
const MODEL_NAME = /^[\w.:/@+[\]-]{1,128}$/;

/** The logged value of a text that is no model's name: it could be part of a prompt, or a key. */
export const NO_MODEL_NAME = 'not_a_model_name';

/** Makes the reader of a request's model for the log. Requests of one kind come in rows, so that the last name is remembered. */
export function createRequestedModel(): (model: string | undefined) => string | undefined {
  let last = '';
  let logged = NO_MODEL_NAME;
  return (model) => {
    if (model === undefined || model === '') return undefined;
    if (model === last) return logged;
    logged = MODEL_NAME.test(model) && !isKeyLike(model) ? model : NO_MODEL_NAME;
    last = logged === NO_MODEL_NAME ? '' : model;
    return logged;
  };
}
