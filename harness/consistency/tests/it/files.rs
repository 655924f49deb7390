//! Histories from files.

use consistency::jsonl::{Loaded, read};
use consistency::{Budget, History, Model, linearizable};

fn verdict(text: &str) -> String {
    fn judge<M: Model>(history: &History<M>) -> String {
        linearizable(history, &Budget::default()).to_string()
    }
    match read(text) {
        Err(error) => error.to_string(),
        Ok((loaded, _)) => match loaded {
            Loaded::Register(h) => format!("register: {}", judge(&h)),
            Loaded::Cas(h) => format!("cas: {}", judge(&h)),
            Loaded::Kv(h) => format!("kv: {}", judge(&h)),
            Loaded::Mutex(h) => format!("mutex: {}", judge(&h)),
            Loaded::Set(h) => format!("set: {}", judge(&h)),
            Loaded::Counter(h) => format!("counter: {}", judge(&h)),
            Loaded::Queue(h) => format!("queue: {}", judge(&h)),
        },
    }
}

#[test]
fn an_operation_a_line() {
    let text = r#"
        {"process": 1, "f": "write", "value": 471, "call": 10, "return": 20}
        {"process": "p2", "f": "write", "value": 474, "call": 30, "return": 40}
        {"process": 3, "f": "write", "value": 480, "call": 41, "return": null}
        {"fault": "partition n1 | n2 n3", "from": 35, "to": 60}
        {"process": 13, "f": "read", "value": 471, "call": 50, "return": 60}
    "#;
    assert_eq!(
        verdict(text),
        "register: not linearizable: p13 read 471 after write 474 had finished, and nothing wrote 471 again"
    );
    let (_, faults) = read(text).expect("a history");
    assert_eq!(faults[0].what, "partition n1 | n2 n3");
}

#[test]
fn an_event_a_line() {
    let text = r#"
        {"type": "invoke", "process": 0, "f": "write", "value": 1}
        {"type": "invoke", "process": 1, "f": "cas", "value": [1, 2]}
        {"type": "info", "process": 0, "f": "write", "value": 1}
        {"type": "ok", "process": 1, "f": "cas", "value": [1, 2]}
        {"type": "invoke", "process": 2, "f": "cas", "value": [1, 3]}
        {"type": "fail", "process": 2, "f": "cas", "value": [1, 3]}
        {"type": "info", "process": "nemesis", "f": "kill", "value": null}
        {"type": "invoke", "process": 3, "f": "write", "value": 9}
        {"type": "fail", "process": 3, "f": "write", "value": 9, "error": "refused"}
        {"type": "invoke", "process": 1, "f": "read", "value": null}
        {"type": "ok", "process": 1, "f": "read", "value": VALUE}
    "#;
    assert_eq!(verdict(&text.replace("VALUE", "2")), "cas: ok");
    assert_eq!(
        verdict(&text.replace("VALUE", "9")),
        "cas: not linearizable: p1 read 9, and nothing ever wrote 9"
    );
    assert_eq!(
        verdict(&text.replace("VALUE", "3")),
        "cas: not linearizable: p1 read 3, and nothing wrote 3 (p2 was told: cas 1 to 3 → refused)"
    );
}

#[test]
fn the_model_follows_from_the_calls() {
    let line = |f: &str, value: &str, at: u32| {
        format!(
            "{{\"process\": {at}, \"f\": \"{f}\", \"value\": {value}, \"call\": {}, \"return\": {}}}\n",
            10 * at,
            10 * at + 5
        )
    };
    let lines = |calls: &[(&str, &str)]| {
        (1..).zip(calls).map(|(at, (f, value))| line(f, value, at)).collect::<String>()
    };
    assert_eq!(verdict(&lines(&[("append", "\"a\""), ("get", "\"a\"")])), "kv: ok");
    assert_eq!(verdict(&lines(&[("get", "\"\""), ("append", "\"a\"")])), "kv: ok");
    assert_eq!(verdict(&lines(&[("enqueue", "1"), ("dequeue", "1"), ("dequeue", "null")])), "queue: ok");
    assert_eq!(verdict(&lines(&[("add", "1"), ("read", "[1]")])), "set: ok");
    assert_eq!(verdict(&lines(&[("add", "1"), ("read", "1")])), "counter: ok");
    assert_eq!(
        verdict(&lines(&[("acquire", "null"), ("acquire", "null")])),
        "mutex: not linearizable: p2 acquired the lock while p1 held it"
    );
}

#[test]
fn what_is_no_history_is_said_with_its_line() {
    assert_eq!(verdict("{\"f\": \"read\"}"), "line 1: no process");
    assert_eq!(verdict("{\"process\": 1}"), "line 1: no f: what was called?");
    assert_eq!(verdict("{\"process\": 1, \"f\": \"read\"}"), "line 1: no call: when was it invoked?");
    assert_eq!(
        verdict("{\"process\": 1, \"f\": \"jump\", \"call\": 1}"),
        "line 1: jump does not go with the other calls, or its value has another shape"
    );
    assert_eq!(
        verdict("{\"type\": \"ok\", \"process\": 1, \"f\": \"read\"}"),
        "line 1: it completes what was not invoked"
    );
    assert!(
        verdict("\n[1, 2]").starts_with("line 2: invalid length")
            || verdict("\n[1, 2]").starts_with("line 2: ")
    );
    assert_eq!(
        verdict("{\"process\": 1, \"f\": \"read\", \"call\": 9, \"return\": 3}"),
        "operation 0 of p1 returned at 3, before it was invoked at 9"
    );
}
