//! Chromium without a window, driven over the `DevTools` protocol through a pair of pipes: no port, no library, and it ends
//! with its test.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Site, eventually};

/// How long the browser may take to answer, or a page to show something: many times what it needs on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How long the browser may take to end in good order.
const FAREWELL: Duration = Duration::from_secs(10);

/// Reads commands from descriptor 3 and writes answers to 4, each ended by a NUL: what is standard input and output here.
const START: &str = r#"exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
--no-proxy-server --disable-background-networking --disable-component-update --user-data-dir="$PROFILE" \
--remote-debugging-pipe 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;

/// A browser with one page.
pub(super) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    /// What happened meanwhile.
    events: Vec<Value>,
}

impl Browser {
    /// Starts a browser whose profile lies beside the site.
    pub(super) fn start(site: &Site) -> Browser {
        let profile = site.around().join("profile");
        let mut command = Command::new("sh");
        command.args(["-c", START]).env("PROFILE", &profile).env("HOME", site.around());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a shell");
        let commands = child.stdin.take().expect("a piped stdin");
        let mut answers = child.stdout.take().expect("a piped stdout");
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut unread = Vec::new();
            let mut piece = [0; 16 * 1024];
            while let Ok(length @ 1..) = answers.read(&mut piece) {
                unread.extend_from_slice(&piece[..length]);
                while let Some(end) = unread.iter().position(|byte| *byte == 0) {
                    let message = serde_json::from_slice(&unread[..end]).expect("messages are JSON");
                    unread.drain(..=end);
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let events = Vec::new();
        let mut browser = Browser { child, commands, messages, last_id: 0, session: None, events };
        let page = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// A command of the protocol, and its result.
    pub(super) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let written = self.commands.write_all(format!("{message}\0").as_bytes());
        written.expect("chromium runs: ./check installs what the tests need");
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|error| panic!("{method}: {error}"));
            if message["id"] == self.last_id {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Opens an address.
    pub(super) fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
    }

    /// What an expression of the page amounts to.
    pub(super) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", &asked);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub(super) fn wait_for(&mut self, expression: &str) {
        // What is not there yet may be asked for a part of it.
        let question =
            format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()");
        eventually(expression, PATIENCE, || (self.value(&question) == true).then_some(()));
    }

    /// Presses a key by its name, as in `Enter` or `/`.
    pub(super) fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => Some("\r"),
            _ if key.chars().count() == 1 => Some(key),
            _ => None,
        };
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            _ => 0,
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if let Some(text) = text {
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", &down);
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", &up);
    }

    /// Types a text.
    pub(super) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// What went wrong in the page since this was last asked: exceptions, and errors and warnings on its console.
    pub(super) fn faults(&mut self) -> Vec<String> {
        let is_fault = |event: &Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some(_) | None => false,
        };
        self.take(is_fault).iter().map(Value::to_string).collect()
    }

    /// Every address that was asked for since this was last asked.
    pub(super) fn addresses(&mut self) -> Vec<String> {
        let requests = self.take(|event| event["method"] == "Network.requestWillBeSent");
        let address = |event: &Value| event["params"]["request"]["url"].as_str().map(str::to_owned);
        requests.iter().filter_map(address).collect()
    }

    fn take(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        // What has happened so far comes before the answer to any question.
        self.value("1");
        let (wanted, others) = self.events.drain(..).partition(is_wanted);
        self.events = others;
        wanted
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to close, it ends its own processes; what it answers makes no difference.
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let start = Instant::now();
        while start.elapsed() < FAREWELL && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
