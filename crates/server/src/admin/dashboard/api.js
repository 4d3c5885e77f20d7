// Questions to the API (docs/api.md).

/** An answer, or an Error with the sentence that the server gave; `parameters` that are empty are left out. */
export async function ask(what, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  const answer = await fetch(`api/v1/${what}${query && `?${query}`}`, { cache: "no-store", signal }).catch(() => {
    throw new Unanswered("The server does not answer.", 0);
  });
  if (answer.ok) return answer.json().catch(() => {
    throw new Unanswered("The server broke off.", 0);
  });
  const content = await answer.json().catch(() => ({}));
  throw new Unanswered(content.error ?? `The server answered ${answer.status}.`, answer.status);
}

/** Why there is no answer; the status is 0 if nobody was there, or nobody waited any more. */
export class Unanswered extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

/** Passes over a question without an answer: the state of the connection is shown at the top. A mistake of ours goes on. */
export function passOver(error) {
  if (!(error instanceof Unanswered)) throw error;
}
