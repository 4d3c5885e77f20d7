//! Which of the known names was probably meant.

/// The known name that is most like the given one, if any is like it at all. Capitals make no name another.
pub(super) fn nearest<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<S> {
    let name = name.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro(&name, &candidate.as_ref().to_ascii_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// The likeness (Jaro, 0 to 1) below which a hint would mislead; clap takes the same for flags.
const ALIKE: f64 = 0.7;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_noise_finds_none() {
        let check = |name, expect| assert_eq!(nearest(name, ["port", "bind", "backlog"]), expect, "{name}");
        check("prot", Some("port"));
        check("Port", Some("port"));
        check("BIND", Some("bind"));
        check("binds", Some("bind"));
        check("back_log", Some("backlog"));
        check("colour", None);
        check("", None);
    }
}
