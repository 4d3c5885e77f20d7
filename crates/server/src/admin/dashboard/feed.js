// The live feed: snapshots as server-sent events, for as long as the page is open. EventSource gives up for good on an
// answer other than 200, and does not notice a connection that died without a word; so it is opened anew here.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
// Snapshots come about once a second.
const SILENCE_MS = 6000;

/**
 * Follows the feed. `onSnapshot` gets each snapshot, `onState` one of `live`, `waiting` (with seconds to the next
 * attempt) and `connecting`.
 */
export function follow(onSnapshot, onState) {
  let source = null;
  let watch = 0;
  let pause = FIRST_PAUSE_MS;
  let retry = 0;

  function open() {
    onState("connecting");
    source = new EventSource("api/v1/events");
    source.addEventListener("snapshot", (event) => {
      expectMore();
      pause = FIRST_PAUSE_MS;
      onState("live");
      onSnapshot(JSON.parse(event.data));
    });
    source.addEventListener("error", again);
    expectMore();
  }

  function expectMore() {
    clearTimeout(watch);
    watch = setTimeout(again, SILENCE_MS);
  }

  function again() {
    source.close();
    clearTimeout(watch);
    clearTimeout(retry);
    onState("waiting", Math.ceil(pause / 1000));
    retry = setTimeout(open, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  open();
}
