//! A client and a server in frames, without a socket between them.

use super::*;
use crate::h2::field_section::MAX_SECTION_BYTES;
use crate::h2::frame::{ACK, END_HEADERS, PADDED, PRIORITY, write};
use crate::prefix_integer::write_text;

/// How much content is taken in.
const MAX_CONTENT: u64 = 64 * 1024;

/// A server's side, and what it says.
struct Side {
    conversation: Conversation,
    out: Vec<u8>,
}

fn frame(kind: Kind, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, kind, flags, stream, content);
    bytes
}

/// A field section of literals.
fn section(lines: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in lines {
        block.push(0);
        write_text(&mut block, name.as_bytes());
        write_text(&mut block, value.as_bytes());
    }
    block
}

fn usual(more: &[(&'static str, &'static str)]) -> Vec<u8> {
    let usual = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
    section(&[&usual[..], more].concat())
}

fn request(stream: u32) -> Vec<u8> {
    frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &usual(&[]))
}

/// A request whose content follows.
fn open(stream: u32, more: &[(&'static str, &'static str)]) -> Vec<u8> {
    frame(Kind::Headers, END_HEADERS, stream, &usual(more))
}

fn data(flags: u8, stream: u32, length: usize) -> Vec<u8> {
    frame(Kind::Data, flags, stream, &vec![b'x'; length])
}

fn set(settings: &[(u16, u32)]) -> Vec<u8> {
    let bytes = settings
        .iter()
        .flat_map(|(number, value)| [&number.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(Kind::Settings, 0, 0, &bytes.collect::<Vec<_>>())
}

fn widen(stream: u32, by: u32) -> Vec<u8> {
    frame(Kind::WindowUpdate, 0, stream, &by.to_be_bytes())
}

fn reset(stream: u32) -> Vec<u8> {
    frame(Kind::Reset, 0, stream, &8_u32.to_be_bytes())
}

/// The frames in `bytes`, each with its content.
fn frames(mut bytes: &[u8]) -> Vec<(Frame, &[u8])> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk() {
        let frame = Frame::read(*head);
        let (content, rest) = rest.split_at(frame.length as usize);
        frames.push((frame, content));
        bytes = rest;
    }
    frames
}

impl Side {
    /// A connection whose client has sent its settings.
    fn new() -> Side {
        let mut side = Side { conversation: Conversation::new(MAX_CONTENT), out: Vec::new() };
        assert_eq!(side.receive(&set(&[])), "");
        assert_eq!(side.said(), "Settings 0");
        side
    }

    /// Receives frames; tells what they come to, up to a fault.
    fn receive(&mut self, bytes: &[u8]) -> String {
        let mut told = Vec::new();
        for (frame, content) in frames(bytes) {
            let came = Conversation::check(frame)
                .and_then(|()| self.conversation.receive(frame, content, &mut self.out));
            match came {
                Ok(Came::Nothing) => {}
                Ok(came) => told.push(format!("{came:?}")),
                Err(fault) => {
                    told.push(format!("{:?}", fault.code));
                    break;
                }
            }
        }
        told.join(" ")
    }

    /// What was said since it was last looked at.
    fn said(&mut self) -> String {
        let told = frames(&self.out).into_iter().map(|(frame, content)| {
            let number = |at: usize| {
                let number = content.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
                number.map(u32::from_be_bytes).unwrap_or_default()
            };
            match frame.kind {
                Kind::Reset | Kind::WindowUpdate => {
                    format!("{:?} {} {}", frame.kind, frame.stream, number(0))
                }
                Kind::GoAway => format!("GoAway {} {}", number(0), number(4)),
                Kind::Ping => format!("Ping {}", content.escape_ascii()),
                Kind::Data | Kind::Headers | Kind::Continuation => {
                    format!("{:?} {} {:x}", frame.kind, frame.stream, frame.flags)
                }
                Kind::Priority | Kind::Settings | Kind::PushPromise | Kind::Unknown => {
                    format!("{:?} {}", frame.kind, frame.stream)
                }
            }
        });
        let told = told.collect::<Vec<_>>().join(", ");
        self.out.clear();
        told
    }

    /// Answers with a head, and content of this length.
    fn answer(&mut self, stream: u32, length: usize) {
        let head = WrittenHead::read(b"HTTP/1.1 200 OK\r\n\r\n");
        let followed = if length > 0 { Followed::ByContent } else { Followed::ByNothing };
        self.conversation.write_head(stream, &head, followed, &mut self.out);
        if length > 0 {
            let head = self.conversation.head_of_content(stream, length, Followed::ByNothing);
            self.out.extend_from_slice(&head);
            self.out.extend(vec![b'x'; length]);
            self.conversation.end_answer(stream, &mut self.out);
        }
    }
}

/// What frames behind the client's settings come to, and what is said in return.
#[track_caller]
fn check(frames: &[Vec<u8>], came: &str, said: &str) {
    let mut side = Side::new();
    assert_eq!((side.receive(&frames.concat()).as_str(), side.said().as_str()), (came, said));
}

#[test]
fn requests_come_in_one_frame_or_several() {
    check(&[request(1), request(5)], "Request(1, Nothing) Request(5, Nothing)", "");
    check(&[open(1, &[])], "Request(1, Content)", "");
    let block = usual(&[]);
    let (start, rest) = block.split_at(9);
    let parts = [
        frame(Kind::Headers, END_STREAM, 1, start),
        frame(Kind::Continuation, 0, 1, &[]),
        frame(Kind::Continuation, END_HEADERS, 1, rest),
    ];
    check(&parts, "Request(1, Nothing)", "");
    let padded = [&[2][..], &[0; 5], &block, &[0; 2]].concat();
    let flags = END_HEADERS | END_STREAM | PADDED | PRIORITY;
    check(&[frame(Kind::Headers, flags, 1, &padded)], "Request(1, Nothing)", "");
    check(&[frame(Kind::Headers, flags, 1, &[9, 1])], "Protocol", "");
    check(&[frame(Kind::Headers, END_HEADERS | PRIORITY, 1, &[0; 4])], "FrameSize", "");
}

#[test]
fn sections_that_do_not_end() {
    let mut parts = vec![frame(Kind::Headers, END_STREAM, 1, &usual(&[]))];
    let part = frame(Kind::Continuation, 0, 1, &[0; MAX_FRAME_BYTES]);
    parts.extend(vec![part; 4 * MAX_SECTION_BYTES / MAX_FRAME_BYTES]);
    check(&parts, "EnhanceYourCalm", "");
}

#[test]
fn the_table_is_kept_whatever_becomes_of_a_request() {
    let mut side = Side::new();
    let mut kept = usual(&[]);
    kept.push(0x40);
    write_text(&mut kept, b"x");
    write_text(&mut kept, b"y");
    let all: Vec<u8> = (0..MAX_STREAMS).flat_map(|turn| request(2 * turn + 1)).collect();
    side.receive(&all);
    let beyond = frame(Kind::Headers, END_HEADERS | END_STREAM, 999, &kept);
    assert_eq!((side.receive(&beyond).as_str(), side.said().as_str()), ("Refused(999)", "Reset 999 7"));
    side.answer(1, 0);
    side.said();
    let indexed = frame(Kind::Headers, END_HEADERS | END_STREAM, 1001, &[usual(&[]), vec![0xbe]].concat());
    assert_eq!(side.receive(&indexed), "Request(1001, Nothing)");
    let section = side.conversation.take_section();
    assert_eq!(section.lines().last(), Some((b"x".as_slice(), b"y".as_slice())));
}

#[test]
fn streams_end_when_both_sides_have() {
    let mut side = Side::new();
    side.receive(&[request(1), open(3, &[])].concat());
    side.answer(1, 0);
    side.answer(3, 5);
    assert_eq!(side.said(), "Headers 1 5, Headers 3 4, Data 3 1");
    assert_eq!((side.conversation.sendable(1), side.conversation.sendable(3)), (None, None));
    // The first is closed, and the other waits for its client.
    assert_eq!(side.receive(&data(0, 3, 10)), "");
    assert!(side.conversation.is_busy());
    assert_eq!(side.receive(&data(END_STREAM, 3, 10)), "");
    assert!(!side.conversation.is_busy());
    assert_eq!(side.receive(&[widen(3, 1), reset(1), data(0, 3, 1)].concat()), "Failed(3)");
    assert_eq!(side.said(), "Reset 3 5");
    // What its client sent before it knew.
    assert_eq!(side.receive(&[data(0, 3, 1), open(3, &[])].concat()), "TooLate TooLate");
    assert_eq!(side.receive(&request(1)), "StreamClosed");
}

#[test]
fn numbers_of_streams_grow_rfc_9113_5_1_1() {
    let before = [request(1), request(9)];
    let came = "Request(1, Nothing) Request(9, Nothing)";
    let check_behind = |after: Vec<u8>, expect: &str, said: &str| {
        check(&[&before[..], &[after]].concat(), &format!("{came} {expect}"), said);
    };
    for skipped in [3, 5, 7] {
        check_behind(request(skipped), "Protocol", "");
    }
    // There is no such request any more, as with one that has ended.
    check_behind(data(0, 7, 1), "Failed(7)", "Reset 7 5");
    check_behind(request(11), "Request(11, Nothing)", "");
    check(&[request(1), reset(1), request(1)], "Request(1, Nothing) Reset(1) StreamClosed", "");
}

#[test]
fn content_that_nobody_wants_is_waited_for_once() {
    let mut side = Side::new();
    side.receive(&[open(1, &[]), open(3, &[]), request(5)].concat());
    side.answer(1, 0);
    for stream in [1, 3, 5, 7] {
        side.conversation.lose_patience(stream, &mut side.out);
    }
    assert_eq!(side.said(), "Headers 1 5, Reset 1 0");
    side.answer(3, 1);
    assert_eq!(side.said(), "Headers 3 4, Data 3 1, Reset 3 0");
    side.answer(5, 0);
    assert_eq!(side.said(), "Headers 5 5");
    assert!(!side.conversation.is_busy());
}

#[test]
fn contents_have_the_length_that_was_said_rfc_9113_8_1_1() {
    let of = |length: &'static str| open(1, &[("content-length", length)]);
    check(&[of("5"), data(0, 1, 2), data(END_STREAM, 1, 3)], "Request(1, Content)", "");
    check(&[of("5"), data(END_STREAM, 1, 4)], "Request(1, Content) Failed(1)", "Reset 1 1");
    check(&[of("5"), data(0, 1, 6)], "Request(1, Content) Failed(1)", "Reset 1 1");
    let trailers = |lines| frame(Kind::Headers, END_HEADERS | END_STREAM, 1, &section(lines));
    check(&[of("5"), data(0, 1, 5), trailers(&[("x", "y")])], "Request(1, Content)", "");
    check(&[of("5"), trailers(&[("x", "y")])], "Request(1, Content) Failed(1)", "Reset 1 1");
    check(&[of("0"), trailers(&[(":path", "/")])], "Request(1, Content) Failed(1)", "Reset 1 1");
    check(&[of("x")], "Failed(1)", "Reset 1 1");
}

#[test]
fn content_is_granted_up_to_a_limit() {
    let mut side = Side::new();
    side.receive(&open(1, &[]));
    // Together they are more than half a window, and padding counts.
    assert_eq!(side.receive(&[data(0, 1, 16_384), data(0, 1, 16_000)].concat()), "");
    assert_eq!(side.said(), "");
    let padded = frame(Kind::Data, PADDED, 1, &[&[200_u8][..], &[b'x'; 1_000]].concat());
    assert_eq!(side.receive(&padded), "");
    assert_eq!(side.said(), "WindowUpdate 0 33385, WindowUpdate 1 33385");
    let mut granted = 65_535_usize;
    for _ in 0..4 {
        assert_eq!(side.receive(&data(0, 1, 16_000)), "");
        granted -= 16_000;
        for told in side.said().split(", ").filter(|told| told.starts_with("WindowUpdate 1")) {
            granted += told["WindowUpdate 1 ".len()..].parse::<usize>().expect("a number");
        }
    }
    // The limit is passed, and the window is used up without another word.
    assert_eq!(side.receive(&data(0, 1, granted)), "");
    assert!(!side.said().contains("WindowUpdate 1"));
    assert_eq!((side.receive(&data(0, 1, 1)).as_str(), side.said().as_str()), ("Failed(1)", "Reset 1 3"));
}

#[test]
fn padding_is_granted_up_to_the_same_limit() {
    let mut side = Side::new();
    side.receive(&open(1, &[]));
    let padding = frame(Kind::Data, PADDED, 1, &[&[255_u8][..], &[0; 255]].concat());
    let mut came = 0;
    loop {
        came += 256;
        match side.receive(&padding).as_str() {
            "" => {}
            told => break assert_eq!(told, "Failed(1)"),
        }
        assert!(came < MAX_CONTENT + 2 * 65_535, "{came} bytes of padding");
    }
}

#[test]
fn windows_rfc_9113_6_9() {
    let mut side = Side::new();
    side.receive(&[request(1), request(3)].concat());
    let sendable = |side: &Side| [1, 3].map(|stream| side.conversation.sendable(stream));
    assert_eq!(sendable(&side), [Some(65_535); 2]);
    side.conversation.head_of_content(1, 60_000, Followed::ByContent);
    assert_eq!(sendable(&side), [Some(5_535); 2]);
    assert_eq!(side.receive(&widen(0, 100_000)), "RoomForAll");
    assert_eq!(sendable(&side), [Some(5_535), Some(65_535)]);
    assert_eq!(side.receive(&widen(1, 10)), "Room(1)");
    assert_eq!(side.receive(&set(&[(4, 10_000)])), "RoomForAll");
    assert_eq!(sendable(&side), [Some(0), Some(10_000)]);
    assert_eq!(side.receive(&widen(1, 50_000)), "Room(1)");
    assert_eq!(sendable(&side), [Some(10), Some(10_000)]);
    side.said();
    let most = 0x7fff_ffff;
    assert_eq!((side.receive(&widen(1, most)).as_str(), side.said().as_str()), ("Failed(1)", "Reset 1 3"));
    assert_eq!((side.receive(&widen(3, 0)).as_str(), side.said().as_str()), ("Failed(3)", "Reset 3 1"));
    assert_eq!(side.receive(&widen(0, most)), "FlowControl");
    check(&[widen(0, 0)], "Protocol", "");
    check(&[request(1), widen(1, 1), set(&[(4, most)])], "Request(1, Nothing) Room(1) FlowControl", "");
}

#[test]
fn more_content_than_was_granted() {
    let mut side = Side::new();
    side.receive(&[open(1, &[]), open(3, &[])].concat());
    // Content for a stream that is no more counts as well, and is granted again.
    let portion = vec![data(0, 1, 16_384); 3].concat();
    side.receive(&[reset(1), portion.clone(), portion].concat());
    assert_eq!(side.said(), "Reset 1 5, WindowUpdate 0 32768, WindowUpdate 0 32768, WindowUpdate 0 32768");
}

#[test]
fn a_client_may_have_less_room_for_its_table() {
    let mut side = Side::new();
    side.receive(&[set(&[(1, 0)]), request(1), request(3)].concat());
    side.out.clear();
    side.answer(1, 0);
    side.answer(3, 0);
    let blocks: Vec<_> = frames(&side.out).into_iter().map(|(_, block)| block.to_vec()).collect();
    assert_eq!(blocks, [vec![0x20, 0x88], vec![0x88]]);
}

#[test]
fn ends_rfc_9113_6_8() {
    let mut side = Side::new();
    side.receive(&request(1));
    side.conversation.leave(&mut side.out);
    side.conversation.leave(&mut side.out);
    assert_eq!(side.said(), "GoAway 2147483647 0, Ping farewell");
    // What was on its way is answered, until the client knows.
    assert_eq!(side.receive(&request(3)), "Request(3, Nothing)");
    let knows = frame(Kind::Ping, ACK, 0, b"farewell");
    assert_eq!(side.receive(&knows), "Informed");
    side.conversation.say_end(ErrorCode::NoError, &mut side.out);
    assert_eq!(side.said(), "GoAway 3 0");
    assert_eq!(side.receive(&[request(5), data(0, 5, 9), knows.clone()].concat()), "Refused(5) TooLate");
    side.answer(1, 0);
    assert!(!side.conversation.is_over());
    // What is wrong is said all the same.
    side.said();
    side.conversation.say_end(ErrorCode::NoError, &mut side.out);
    side.conversation.say_end(ErrorCode::EnhanceYourCalm, &mut side.out);
    assert_eq!(side.said(), "GoAway 3 11");
    side.answer(3, 0);
    assert!(side.conversation.is_over());
    check(&[request(1), knows], "Request(1, Nothing)", "");
    let mut idle = Side::new();
    idle.conversation.leave(&mut idle.out);
    assert_eq!((idle.said().as_str(), idle.conversation.is_over()), ("GoAway 0 0", true));
    let mut left = Side::new();
    assert_eq!(left.receive(&frame(Kind::GoAway, 0, 0, &[0; 8])), "");
    assert!(left.conversation.is_over());
}

/// Frames that a generator makes, most of them right, on the stream `next` or one before it.
fn any_frame(next: u32, random: &mut impl FnMut(u32) -> u32) -> Vec<u8> {
    let earlier = 2 * random(next / 2 + 1) + 1;
    match random(64) {
        0..20 => request(next),
        20..30 => open(next, &[]),
        30..34 => open(next, &[("content-length", "9")]),
        34..42 => data([0, END_STREAM][random(2) as usize], earlier, random(20_000).min(16_384) as usize),
        42..48 => widen([0, earlier][random(2) as usize], [1, 70_000, 0x3fff_0000][random(3) as usize]),
        48..54 => reset(earlier),
        54..58 => set(&[(random(7) as u16, [0, 1, 16_384, 65_535][random(4) as usize])]),
        58..61 => frame(Kind::Ping, random(2) as u8, 0, b"farewell"),
        61 => frame(Kind::Headers, END_STREAM, next, &usual(&[])),
        62 => frame(Kind::Headers, END_HEADERS | END_STREAM, earlier, &usual(&[])),
        _ => {
            let kinds =
                [Kind::Priority, Kind::PushPromise, Kind::GoAway, Kind::Unknown, Kind::Data, Kind::Headers];
            let content: Vec<u8> = (0..random(24)).map(|_| random(256) as u8).collect();
            frame(kinds[random(6) as usize], random(256) as u8, random(20), &content)
        }
    }
}

#[test]
fn whatever_comes_no_rule_of_ours_is_broken() {
    let mut state = 1_u64;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32 % below
    };
    let (mut faults, mut answers) = (0, 0);
    for _ in 0..5_000 {
        let mut side = Side::new();
        let mut last = 0;
        for turn in 0..60 {
            let came = side.receive(&any_frame(2 * turn + 1, &mut random));
            if let Some(rest) = came.strip_prefix("Request(") {
                let stream: u32 = rest[..rest.find(',').expect("a comma")].parse().expect("a number");
                assert!(stream > last && stream % 2 == 1, "{came}");
                last = stream;
            } else if !came.is_empty() && !came.contains('(') && !["RoomForAll", "Informed"].contains(&&*came)
            {
                faults += 1;
                break;
            }
            let stream = 2 * random(turn + 1) + 1;
            if let Some(room) = side.conversation.sendable(stream)
                && random(2) == 0
            {
                // As the windows are, so much may be sent.
                assert!(room <= 0x7fff_ffff);
                side.conversation.write_head(
                    stream,
                    &WrittenHead::read(b"HTTP/1.1 200 OK\r\n\r\n"),
                    Followed::ByNothing,
                    &mut side.out,
                );
                assert_eq!(side.conversation.sendable(stream), None);
                answers += 1;
            }
            assert!(side.conversation.streams.open() <= MAX_STREAMS as usize);
            side.out.clear();
        }
    }
    assert!(faults > 1_000 && answers > 1_000, "{faults} faults, {answers} answers");
}
