//! nginx as a caching proxy in front: it revalidates, serves ranges, and never mixes versions.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;

use super::program::{Ended, Program, command, run};
use super::served::Served;
use crate::harness::{SOON, eventually, noise};

const LENGTH: usize = 5_000_003;

/// Two caches: of whole files, for a second, and of slices of 1 MiB. It listens on a socket file, so that no two tests
/// are after one port. Of its own processes there is only one, which ends by its id.
const CONFIGURATION: &str = r"
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path temporary; proxy_temp_path temporary; fastcgi_temp_path temporary;
  uwsgi_temp_path temporary; scgi_temp_path temporary;
  proxy_cache_path cache keys_zone=cache:1m;
  proxy_cache cache;
  proxy_http_version 1.1;
  add_header X-Cache $upstream_cache_status;
  server {
    listen unix:FOLDER/socket;
    location / {
      proxy_pass http://ADDRESS;
      proxy_cache_valid 200 1s;
      proxy_cache_revalidate on;
    }
    location /sliced/ {
      slice 1m;
      proxy_pass http://ADDRESS/;
      proxy_cache_key $uri$slice_range;
      proxy_set_header Range $slice_range;
      proxy_cache_valid 206 1h;
    }
  }
}
";

struct Proxy<'s> {
    served: &'s Served,
    _nginx: Program,
}

impl<'s> Proxy<'s> {
    fn before(served: &'s Served) -> Self {
        let folder = served.downloads();
        let text = CONFIGURATION
            .replace("FOLDER", folder.to_str().expect("a path in UTF-8"))
            .replace("ADDRESS", &served.server.address().to_string());
        fs::write(folder.join("nginx.conf"), text).expect("a file");
        // Debian keeps it where only root looks for programs.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut nginx: Command = command("nginx", &folder);
        nginx.env("PATH", path).arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]);
        let nginx = Program::start(&mut nginx);
        eventually("nginx listens", SOON, || UnixStream::connect(folder.join("socket")).ok());
        Self { served, _nginx: nginx }
    }

    /// Fetches into `got`; what curl says of it is the status and what nginx's cache did.
    fn fetch(&self, path: &str, arguments: &[&str]) -> Ended {
        let mut curl = self.served.client("curl");
        curl.args(["--disable", "--silent", "--show-error", "--output", "got", "--unix-socket", "socket"]);
        curl.args(["--write-out", "%{http_code} %header{x-cache}"]).args(arguments);
        run(curl.arg(format!("http://localhost{path}")))
    }
}

#[test]
fn a_cached_file_is_revalidated_and_fetched_again_when_it_changed() {
    let (old, new) = (noise(LENGTH, 1), noise(LENGTH, 2));
    let served = Served::with_file("f", &old);
    let proxy = Proxy::before(&served);
    assert_eq!(proxy.fetch("/f", &[]).well().stdout, "200 MISS");
    assert!(served.saved("got") == old);
    served.counted("/f", "requests 1 full 1 completed 1 downloads 1");
    let asked_again = |wanted: &str, content: &[u8]| {
        eventually(&format!("nginx says {wanted}"), SOON, || {
            let said = proxy.fetch("/f", &[]).well().stdout;
            assert!(said.starts_with("200 "), "{said}");
            let is_wanted = said == wanted;
            assert!(!is_wanted || served.saved("got") == content, "{wanted}: another content");
            is_wanted.then_some(())
        });
    };
    asked_again("200 REVALIDATED", &old);
    served.counted("/f", "requests 2 full 1 not_modified 1 completed 1 downloads 1");
    // From the cache, in front or behind a revalidation.
    for (range, expect) in
        [("0-0", 0..1), ("1000000-1999999", 1_000_000..2_000_000), ("-7", LENGTH - 7..LENGTH)]
    {
        assert!(proxy.fetch("/f", &["--range", range]).well().stdout.starts_with("206 "));
        assert!(served.saved("got") == old[expect], "{range}");
    }
    served.replace("f", &new, 2);
    asked_again("200 EXPIRED", &new);
    asked_again("200 REVALIDATED", &new);
    let counted = eventually("both revalidations are counted", SOON, || {
        let counted = served.downloaded("/f", 2);
        (counted.not_modified >= 2).then_some(counted)
    });
    assert!(counted.full == 2 && counted.partial == 0, "{counted:?}");
}

#[test]
fn slices_make_one_download_and_never_two_versions() {
    let (old, new) = (noise(LENGTH, 1), noise(LENGTH, 2));
    let served = Served::with_file("f", &old);
    let proxy = Proxy::before(&served);
    assert!(proxy.fetch("/sliced/f", &["--range", "1048570-1048580"]).well().stdout.starts_with("206 "));
    assert!(served.saved("got") == old[1_048_570..=1_048_580], "across two slices");
    served.counted("/f", "requests 2 partial 2 completed 2");
    assert!(proxy.fetch("/sliced/f", &[]).well().stdout.starts_with("200 "));
    assert!(served.saved("got") == old);
    // Each of the five slices was fetched once.
    let counted = served.counted("/f", "requests 5 partial 5 completed 5 downloads 1");
    assert_eq!(counted.bytes, LENGTH as u64);

    served.replace("g", &old, 1);
    proxy.fetch("/sliced/g", &["--range", "0-0"]).well();
    served.replace("g", &new, 2);
    // The second slice has another entity tag than the first: nginx ends the answer there.
    let cut = proxy.fetch("/sliced/g", &[]);
    assert!(!cut.status.success(), "{cut:?}");
    assert!(old.starts_with(&served.saved("got")), "versions are mixed");
    served.downloaded("/g", 0);
}
