// Readable JSON.

const MAX_LENGTH = 300_000;
const MAX_DEPTH = 40;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Return the text of a JSON object or array with line breaks and indentation; null for any other text. */
export function prettyJson(text) {
  if (!/^\s*[{[]/.test(text) || text.length > MAX_LENGTH) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return indent(text.match(TOKENS));
}

/** Only whitespace is changed: formatting parsed values would round long numbers and drop duplicate names. */
function indent(tokens) {
  let depth = 0;
  let pretty = '';
  const line = () => `\n${'  '.repeat(Math.min(depth, MAX_DEPTH))}`;
  tokens.forEach((token, index) => {
    const isEmpty = (open, close) => (token === open && tokens[index + 1] === close) || (token === close && tokens[index - 1] === open);
    if (isEmpty('{', '}') || isEmpty('[', ']')) pretty += token;
    else if (token === '{' || token === '[') {
      depth += 1;
      pretty += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      pretty += line() + token;
    } else if (token === ',') pretty += token + line();
    else pretty += token === ':' ? ': ' : token;
  });
  return pretty;
}
