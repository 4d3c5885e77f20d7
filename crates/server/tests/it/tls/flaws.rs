//! Certificates that cannot be served end the start with a sentence.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::harness::{Identity, Server, Site, Stdout, tallyd};

/// What is wrong with a pair of files.
pub(super) struct Flaw {
    /// The file with the chain, and the one with the key; absent ones are missing.
    pub(super) chain: &'static str,
    pub(super) key: &'static str,
    /// Which of the two is complained about.
    part: Part,
    /// The rest of the sentence: what is wrong with it, and what to do about it.
    pub(super) wrong: &'static str,
    pub(super) cure: &'static str,
}

enum Part {
    Chain,
    Key,
}

/// Every flaw that a person can bring about by naming, copying or forgetting.
pub(super) const FLAWS: [Flaw; 9] = [
    Flaw {
        chain: "missing",
        key: "own.key",
        part: Part::Chain,
        wrong: "cannot be read (No such file or directory (os error 2))",
        cure: "name a file with the chain in PEM that this user may read",
    },
    Flaw {
        chain: "own.pem",
        key: "missing",
        part: Part::Key,
        wrong: "cannot be read (No such file or directory (os error 2))",
        cure: "name a file with the key in PEM that this user may read",
    },
    Flaw {
        chain: "empty",
        key: "own.key",
        part: Part::Chain,
        wrong: "has no certificate in it",
        cure: "name a file with the chain in PEM, which begins with -----BEGIN CERTIFICATE-----",
    },
    Flaw {
        chain: "own.pem",
        key: "own.pem",
        part: Part::Key,
        wrong: "has no private key in it",
        cure: "name a file with the key in PEM, not encrypted, which begins with -----BEGIN PRIVATE KEY-----",
    },
    Flaw {
        chain: "own.pem",
        key: "other.key",
        part: Part::Key,
        wrong: "does not belong to its certificate",
        cure: "name the key that the certificate was made for, keys in the order of their certificates",
    },
    Flaw {
        chain: "old.pem",
        key: "old.key",
        part: Part::Chain,
        wrong: "has expired on 2021-01-01",
        cure: "renew it",
    },
    Flaw {
        chain: "new.pem",
        key: "new.key",
        part: Part::Chain,
        wrong: "is not valid before 2100-01-01",
        cure: "wait for that, or set the clock of this machine",
    },
    Flaw {
        chain: "reversed.pem",
        key: "leaf.key",
        part: Part::Chain,
        wrong: "is in the wrong order: the key belongs to number 2 in it",
        cure: "put that one first, as in the file fullchain.pem of most authorities",
    },
    Flaw {
        chain: "unlinked.pem",
        key: "leaf.key",
        part: Part::Chain,
        wrong: "is in the wrong order: number 1 in it was not issued by number 2",
        cure: "put the server's own first, and behind each the one that issued it",
    },
];

/// Makes the files that the flaws are about.
pub(super) fn make(site: &Site) {
    Identity::new(site, "own", &["a.example"]);
    let other = Identity::new(site, "other", &["b.example"]);
    Identity::with(site, "old", &valid_in(2020));
    Identity::with(site, "new", &valid_in(2100));
    let file = |name: &str, text: &str| std::fs::write(site.around().join(name), text).expect("a file");
    file("empty", "");
    let [root, leaf, leaf_key] = chain();
    file("reversed.pem", &format!("{root}{leaf}"));
    let other = std::fs::read_to_string(other.chain).expect("a certificate");
    file("unlinked.pem", &format!("{leaf}{other}"));
    file("leaf.key", &leaf_key);
}

fn valid_in(year: i32) -> CertificateParams {
    let mut params = CertificateParams::new(["a.example".to_owned()]).expect("a name");
    params.not_before = date_time_ymd(year, 1, 1);
    params.not_after = date_time_ymd(year + 1, 1, 1);
    params
}

/// An authority's certificate, one that it has issued, and the key of that, in PEM.
fn chain() -> [String; 3] {
    let [root_key, leaf_key] = [(); 2].map(|()| KeyPair::generate().expect("a key"));
    let mut root = CertificateParams::new(["root.example".to_owned()]).expect("a name");
    root.distinguished_name.push(DnType::CommonName, "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let top = root.self_signed(&root_key).expect("a certificate").pem();
    let leaf = CertificateParams::new(["a.example".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(root, &root_key)).expect("a certificate").pem();
    [top, leaf, leaf_key.serialize_pem()]
}

/// Starts with these files, and checks the exit code and the sentence.
#[track_caller]
fn check(site: &Site, Flaw { chain, key, part, wrong, cure }: &Flaw) {
    let [chain, key] = [chain, key].map(|file| site.around().join(file));
    let output = tallyd(site).arg("--tls-cert").arg(&chain).arg("--tls-key").arg(&key).output();
    let output = output.expect("the program runs");
    let (noun, path, flag) = match part {
        Part::Chain => ("certificate", chain, "--tls-cert"),
        Part::Key => ("key", key, "--tls-key"),
    };
    let expect =
        format!("tallyd: the {noun} \"{}\" ({flag}, command line) {wrong}; {cure}\n", path.display());
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), said), (Some(1), expect));
    assert!(output.stdout.is_empty(), "nothing is listened on");
}

#[test]
fn each_flaw_has_its_sentence() {
    let site = Site::new();
    make(&site);
    for flaw in &FLAWS {
        check(&site, flaw);
    }
}

#[test]
fn check_tells_of_the_certificates() {
    let site = Site::new();
    let identity = Identity::new(&site, "own", &["a.example", "*.b.example"]);
    let mut command = tallyd(&site);
    command.arg("--check").args(identity.flags()).args(["--tls-port", "8443", "--https-redirect"]);
    let output = command.output().expect("the program runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    for sentence in [
        "# It would serve HTTPS on port 8443.\n",
        "# A certificate is for a.example, *.b.example until ",
        "# Who comes by HTTP is sent there.\n",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
    // What was checked can be served.
    drop(Server::launch(tallyd(&site).args(identity.flags()), Stdout::Followed));
}
