//! What the query of a request asks of a listing: order, filter and page.
//!
//! Nothing in it is an error: a key that is not known or a value that is malformed counts as not given, and a number out
//! of range as the nearest in range. Of a key that is repeated the first value counts.

use std::fmt::Write as _;

use tallyd_http::percent_encoding::{self, is_plain_in_segment};

use super::page::MAX_ENTRIES;

/// Entries of a page for one who reads pages, unless the query says otherwise: some 200 KiB of HTML.
const ENTRIES_OF_A_PAGE: u32 = 1_000;

/// The most entries of a page that a query can ask for: about 10 MiB of memory for as long as it is being sent.
pub(crate) const MAX_PER_PAGE: u32 = 100_000;

/// What is asked of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    /// By what entries are ordered; directories stand before files in any order.
    pub(crate) sort: Sort,
    /// In which direction.
    pub(crate) order: Order,
    /// What a name must contain, without regard to the case of ASCII letters; empty: anything.
    pub(crate) filter: Box<[u8]>,
    /// Which page, from 1; beyond the last page it is the last.
    pub(crate) page: u32,
    /// Entries of a page, `1..=MAX_PER_PAGE`, or what is usual.
    pub(crate) per_page: u32,
    /// What `per_page` is unless the query says it.
    pub(crate) usual: PerPage,
}

/// How many entries a page has unless the query says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PerPage {
    /// So many that the page is readable, for one who names the form and so knows of pages.
    Readable,
    /// All of them, for a program that takes what it gets: one that mirrors a folder must not miss what is on another
    /// page.
    All,
}

/// By what entries are ordered. Equal ones are ordered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    /// By the bytes of their names.
    Name,
    /// By length; directories have none.
    Size,
    /// By last modification.
    Time,
    /// By downloads, where listings tell them; directories have none.
    Downloads,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl Query {
    /// What is meant where nothing is asked.
    pub(crate) fn unasked(usual: PerPage) -> Query {
        Query {
            sort: Sort::Name,
            order: Order::Ascending,
            filter: Box::default(),
            page: 1,
            per_page: usual.entries(),
            usual,
        }
    }

    /// Reads the query of a target, without its `?`, as a form writes it.
    pub(crate) fn parse(raw: Option<&[u8]>, usual: PerPage) -> Query {
        let value = |key: &[u8]| value_of(raw.unwrap_or_default(), key);
        let default = Query::unasked(usual);
        Query {
            sort: value(b"sort").and_then(|text| Sort::parse(&text)).unwrap_or(default.sort),
            order: value(b"order").and_then(|text| Order::parse(&text)).unwrap_or(default.order),
            filter: value(b"q").map_or(default.filter, Vec::into_boxed_slice),
            page: value(b"page").and_then(|text| number(&text, u32::MAX)).unwrap_or(default.page),
            per_page: value(b"per_page")
                .and_then(|text| number(&text, MAX_PER_PAGE))
                .unwrap_or(default.per_page),
            usual,
        }
    }

    /// The reference, relative to the directory, that asks for this. What is the default is left out.
    pub(crate) fn reference(&self) -> String {
        let mut text = String::from("?");
        for (key, value) in self.fields() {
            write!(text, "{}{key}=", if text.len() > 1 { "&" } else { "" }).expect("memory takes any text");
            percent_encoding::encode(&mut text, &value, is_plain_in_value);
        }
        // An empty query would be another resource to a cache.
        if text.len() == 1 { "./".to_owned() } else { text }
    }

    /// What is not the default, as keys and values that are not encoded yet.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        let default = Query::unasked(self.usual);
        [
            ("sort", (self.sort != default.sort).then(|| self.sort.word().into())),
            ("order", (self.order != default.order).then(|| self.order.word().into())),
            ("q", (!self.filter.is_empty()).then(|| self.filter.to_vec())),
            ("page", (self.page != default.page).then(|| self.page.to_string().into())),
            ("per_page", (self.per_page != default.per_page).then(|| self.per_page.to_string().into())),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

impl PerPage {
    fn entries(self) -> u32 {
        match self {
            PerPage::Readable => ENTRIES_OF_A_PAGE,
            PerPage::All => MAX_ENTRIES as u32,
        }
    }
}

impl Sort {
    /// The word of the query.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Sort::Name => "name",
            Sort::Size => "size",
            Sort::Time => "time",
            Sort::Downloads => "downloads",
        }
    }

    fn parse(text: &[u8]) -> Option<Sort> {
        let all = [Sort::Name, Sort::Size, Sort::Time, Sort::Downloads];
        all.into_iter().find(|sort| sort.word().as_bytes() == text)
    }
}

impl Order {
    /// The word of the query.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        }
    }

    /// The other direction.
    pub(crate) fn reversed(self) -> Order {
        match self {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
        }
    }

    fn parse(text: &[u8]) -> Option<Order> {
        [Order::Ascending, Order::Descending].into_iter().find(|order| order.word().as_bytes() == text)
    }
}

/// The first value of a key, decoded.
fn value_of(raw: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    raw.split(|&byte| byte == b'&').find_map(|field| {
        let equals = field.iter().position(|&byte| byte == b'=').unwrap_or(field.len());
        let value = field.get(equals + 1..).unwrap_or_default();
        (decode(&field[..equals]) == key).then(|| decode(value))
    })
}

/// Decodes `application/x-www-form-urlencoded` as the URL Standard does: an incomplete escape stands for itself.
fn decode(text: &[u8]) -> Vec<u8> {
    let hexadecimal = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match *after {
            [high, low, ..] if byte == b'%' => hexadecimal(high).zip(hexadecimal(low)),
            _ => None,
        };
        match (byte, escaped) {
            (_, Some((high, low))) => {
                decoded.push(high << 4 | low);
                rest = &after[2..];
            }
            (b'+', None) => decoded.push(b' '),
            (byte, None) => decoded.push(byte),
        }
    }
    decoded
}

/// A number in decimal digits, clipped to `1..=max` however long it is.
fn number(text: &[u8], max: u32) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let append = |number: u32, digit: &u8| number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    Some(text.iter().fold(0, append).clamp(1, max))
}

/// In a form's value `+` means a space.
fn is_plain_in_value(byte: u8) -> bool {
    is_plain_in_segment(byte) && byte != b'+'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `expect` is what differs from the default, as keys and values.
    #[track_caller]
    fn check(raw: &str, expect: &str) {
        let seen: Vec<String> = Query::parse(Some(raw.as_bytes()), PerPage::Readable)
            .fields()
            .map(|(key, value)| format!("{key}={}", value.escape_ascii()))
            .collect();
        assert_eq!(seen.join(" "), expect, "{raw}");
    }

    #[test]
    fn what_is_given() {
        assert_eq!(Query::parse(None, PerPage::All), Query::unasked(PerPage::All));
        check("", "");
        check("sort=size", "sort=size");
        check("sort=time&order=desc", "sort=time order=desc");
        check("sort=name&order=asc&page=1&per_page=1000&q=", "");
        check("order=desc&sort=size&per_page=5&page=2&q=a", "sort=size order=desc q=a page=2 per_page=5");
        check("%73ort=s%69ze", "sort=size");
        check("q=a+b%2Bc%26d%3D%25", "q=a b+c&d=%");
        check("q=%FF%00", "q=\\xff\\x00");
        check("q=a=b", "q=a=b");
    }

    #[test]
    fn what_is_malformed_counts_as_not_given() {
        for raw in [
            "sort",
            "sort=",
            "sort=Size",
            "sort=size%20",
            "sort=date",
            "order=up",
            "order=",
            "page",
            "page=",
            "page=x",
            "page=-1",
            "page=%2B1",
            "page=+2",
            "page=1.5",
            "page=2e1",
            "per_page=all",
            "per_page=%D9%A1",
            "Page=2",
            "unknown=1",
            "=2",
            "&&&",
            "=",
            "?page=2",
            "%",
        ] {
            check(raw, "");
        }
        check("page=x&sort=size", "sort=size");
        check("q=%zz%4", "q=%zz%4");
    }

    #[test]
    fn numbers_are_clipped() {
        check("page=0", "");
        check("page=007", "page=7");
        check("page=4294967295", "page=4294967295");
        check("page=99999999999999999999999999", "page=4294967295");
        check("per_page=0", "per_page=1");
        check("per_page=100001", "per_page=100000");
        check("per_page=99999999999999999999999999", "per_page=100000");
    }

    #[test]
    fn of_a_repeated_key_the_first_value_counts() {
        check("page=2&page=3", "page=2");
        check("page=x&page=3", "");
        check("q=a&q=b", "q=a");
    }

    #[test]
    fn references() {
        #[track_caller]
        fn check(raw: &str, expect: &str) {
            let query = Query::parse(Some(raw.as_bytes()), PerPage::Readable);
            assert_eq!(query.reference(), expect, "{raw}");
        }
        check("", "./");
        check("page=2", "?page=2");
        check("q=a b&page=2&sort=time", "?sort=time&q=a%20b&page=2");
        check("q=%2B%26%3D%23%22%3C%FF", "?q=%2B%26=%23%22%3C%FF");
    }

    proptest! {
        #[test]
        fn a_reference_asks_for_what_it_was_made_from(
            sort in prop::sample::select(vec![Sort::Name, Sort::Size, Sort::Time, Sort::Downloads]),
            order in prop::sample::select(vec![Order::Ascending, Order::Descending]),
            filter: Vec<u8>,
            page in 1..=u32::MAX,
            per_page in 1..=MAX_PER_PAGE,
            usual in prop::sample::select(vec![PerPage::Readable, PerPage::All]),
        ) {
            let query = Query { sort, order, filter: filter.into(), page, per_page, usual };
            let reference = query.reference();
            let raw = reference.strip_prefix('?').map(str::as_bytes);
            prop_assert_eq!(Query::parse(raw, usual), query);
        }
    }
}
