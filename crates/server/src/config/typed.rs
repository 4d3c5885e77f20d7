//! What was typed, everywhere, and which of it holds: flag before variable before file before default.

use std::ffi::OsString;

use super::given::{Given, Origin, Sourced};
use super::setting::{Row, Setting};
use super::start_error::StartError;

/// The texts that were given, by place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed {
    /// On the command line; those of one setting in the order in which they stand.
    pub(crate) flags: Vec<Given>,
    /// In variables.
    pub(crate) variables: Vec<Given>,
    /// In the file, in the order in which they stand.
    pub(crate) file: Vec<Given>,
}

impl Typed {
    /// The texts that hold for a setting: those of the first place that has any, else its default. Places
    /// are not mixed: one `--bind` replaces all addresses of the file. Empty only without a default.
    pub(crate) fn given(&self, setting: &'static Setting) -> Vec<Given> {
        let of_setting = |place: &[Given]| -> Vec<Given> {
            place.iter().filter(|given| given.setting.name == setting.name).cloned().collect()
        };
        [&self.flags, &self.variables, &self.file]
            .into_iter()
            .map(|place| of_setting(place))
            .find(|given| !given.is_empty())
            .unwrap_or_else(|| default(setting).into_iter().collect())
    }

    /// Every value of a setting; none only without a default.
    pub(crate) fn all<T>(&self, row: &'static Row<T>) -> Result<Vec<Sourced<T>>, StartError> {
        self.given(&row.setting).iter().map(|given| given.read(row)).collect()
    }

    /// The value of a setting without a default.
    pub(crate) fn optional<T>(&self, row: &'static Row<T>) -> Result<Option<Sourced<T>>, StartError> {
        self.given(&row.setting).first().map(|given| given.read(row)).transpose()
    }

    /// The value of a setting with a default.
    pub(crate) fn one<T>(&self, row: &'static Row<T>) -> Result<Sourced<T>, StartError> {
        let value = self.optional(row)?;
        Ok(value.expect("a setting that is asked for by `one` has a default in the table"))
    }
}

fn default(setting: &'static Setting) -> Option<Given> {
    setting.default.map(|text| Given { setting, text: OsString::from(text), origin: Origin::Default })
}

#[cfg(test)]
mod tests {
    use crate::config::given::Origin;
    use crate::config::tests::{config_of, meaning, start_with};

    #[test]
    fn flag_before_variable_before_file_before_default() {
        let check = |args: &[&str], vars: &[&str], file: Option<&str>, expect: &str| {
            let config = config_of(start_with(args, vars, file).expect("all places are right"));
            let place = match &config.listen.port.given.origin {
                Origin::File { line, .. } => format!("file line {line}"),
                Origin::Flag | Origin::Variable | Origin::Default => config.listen.port.given.place(),
            };
            assert_eq!(format!("{} {place}", config.listen.port.value), expect, "{args:?} {vars:?} {file:?}");
        };
        let (flag, variable, file) = (&["-p", "1"][..], &["TALLYD_PORT=2"][..], Some("# none\nport = 3"));
        check(flag, variable, file, "1 command line");
        check(flag, variable, None, "1 command line");
        check(flag, &[], file, "1 command line");
        check(flag, &[], None, "1 command line");
        check(&[], variable, file, "2 variable TALLYD_PORT");
        check(&[], variable, None, "2 variable TALLYD_PORT");
        check(&[], &[], file, "3 file line 2");
        check(&[], &[], Some("port = 8_080"), "8080 file line 1");
        check(&[], &[], None, "0 default");
        check(&[], &["TALLYD_PORT="], file, "3 file line 2");
        check(&[], &["HOME=/", "tallyd_port=4"], None, "0 default");
        // A place that wins is the only one that is read.
        check(flag, &["TALLYD_PORT=x"], Some("port = 'x'"), "1 command line");
    }

    #[test]
    fn a_flag_undoes_a_switch_of_the_file_or_a_variable() {
        let check = |args: &[&str], vars: &[&str], file: Option<&str>, expect: &str| {
            let config = config_of(start_with(args, vars, file).expect("all places are right"));
            assert_eq!(meaning(&config, "hidden"), expect, "{args:?} {vars:?} {file:?}");
        };
        let (variable, file) = (&["TALLYD_HIDDEN=true"][..], Some("hidden = true"));
        check(&[], &[], file, "Shown");
        check(&["--hidden=false"], variable, file, "Hidden");
        check(&[], &["TALLYD_HIDDEN=false"], file, "Hidden");
        check(&["--hidden"], &["TALLYD_HIDDEN=false"], Some("hidden = false"), "Shown");
    }

    #[test]
    fn several_values_come_from_one_place() {
        let check = |args: &[&str], vars: &[&str], file: Option<&str>, expect: &str| {
            let config = config_of(start_with(args, vars, file).expect("all places are right"));
            assert_eq!(meaning(&config, "bind"), expect, "{args:?} {vars:?} {file:?}");
        };
        let (variable, file) = (&["TALLYD_BIND=::2, 127.0.0.2"][..], Some("bind = ['::3', '127.0.0.3']"));
        check(&["-b", "::1"], variable, file, "[Ip(::1)]");
        check(&["-b", "all"], variable, file, "[All]");
        check(&[], variable, file, "[Ip(::2), Ip(127.0.0.2)]");
        check(&[], &[], file, "[Ip(::3), Ip(127.0.0.3)]");
        check(&[], &[], Some("bind = '::3'"), "[Ip(::3)]");
    }
}
