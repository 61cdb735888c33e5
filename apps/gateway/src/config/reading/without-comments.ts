/** A text, or a comment. An unterminated one reaches to the end, so that no text is looked at twice. */
const TEXT_OR_COMMENT = /"(?:[^"\\]|\\[\s\S])*"?|\/\/[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)/g;
/** A text, or a comma after the last entry of a list or an object. */
const TEXT_OR_LAST_COMMA = /"(?:[^"\\]|\\[\s\S])*"?|,(?=\s*[}\]])/g;

/**
 * Turns JSON with comments into JSON: comments (as in JavaScript) and commas after a last entry become spaces, so that every fault keeps its
 * place. Plain JSON comes back as it is.
 */
export function withoutComments(text: string): string {
  return text.replace(TEXT_OR_COMMENT, blankComment).replace(TEXT_OR_LAST_COMMA, (token, at: number, whole: string) => (token === ',' && followsAnEntry(whole, at) ? ' ' : token));
}

/** Whether a comma closes an entry: `{,}` has none. */
function followsAnEntry(text: string, comma: number): boolean {
  let at = comma - 1;
  while (at > 0 && ' \t\r\n'.includes(text.charAt(at))) at -= 1;
  return !'{[,:'.includes(text.charAt(at));
}

function blankComment(token: string): string {
  const isComment = token.startsWith('//') || (token.startsWith('/*') && token.length > 3 && token.endsWith('*/'));
  return isComment ? token.replace(/[^\n\r]/g, ' ') : token;
}
