//! Fetching a file from an address that a sender names, without becoming their way into our network: https only, and every address on
//! the way, that of each redirect too, must be a public one at the moment that it is connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use contracts::{Code, Problem, names::NAME_CHARS_MAX};
use reqwest::{
    Client, ClientBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

/// It is held in memory.
const BYTES_MAX: usize = 32 * 1024 * 1024;
const REDIRECTS_MAX: usize = 3;
/// The sender waits for it, and so does API Gateway.
const WITHIN: Duration = Duration::from_secs(20);

/// A file and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub name: String,
    pub bytes: Bytes,
}

#[derive(Clone, Debug)]
pub struct Fetcher(Client);

impl Fetcher {
    /// # Errors
    /// When there is no TLS.
    pub fn new() -> reqwest::Result<Self> {
        Self::over(Client::builder())
    }

    /// As [`Self::new`], over what this client knows: a test gives its server's name and certificate, and no setting leads here. The
    /// guard holds for every name that it does not know, and for every address.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn over(client: ClientBuilder) -> reqwest::Result<Self> {
        let redirects = Policy::custom(|attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("too many redirects")
            } else if checked(attempt.url()).is_err() {
                attempt.error("a redirect to an address that is not public")
            } else {
                attempt.follow()
            }
        });
        client
            .https_only(true)
            .no_proxy()
            .redirect(redirects)
            .dns_resolver(Arc::new(PublicOnly))
            .connect_timeout(Duration::from_secs(5))
            .timeout(WITHIN)
            .build()
            .map(Self)
    }

    /// Fetches all of it, up to a limit.
    pub async fn fetch(&self, url: &str) -> Result<Fetched, Problem> {
        let url = Url::parse(url).map_err(|e| refused(format!("The url is not one: {e}.")))?;
        checked(&url)?;
        let name = name_of(&url);
        let answer = self.0.get(url).send().await;
        let answer = answer.and_then(Response::error_for_status);
        let answer = answer.map_err(|e| unreachable(&e))?;
        read(answer, BYTES_MAX, name).await
    }
}

async fn read(mut answer: Response, bytes_max: usize, name: String) -> Result<Fetched, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| unreachable(&e))? {
        if bytes.len() + piece.len() > bytes_max {
            let detail = format!(
                "The file at the url has more than {bytes_max} bytes. Upload it, or put it into the drop folder."
            );
            return Err(Problem::new(Code::TooLarge, detail).at("/url"));
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.is_empty() {
        let detail = "The file at the url has no bytes, so there is nothing to import.";
        return Err(Problem::new(Code::EmptyFile, detail).at("/url"));
    }
    Ok(Fetched {
        name,
        bytes: bytes.freeze(),
    })
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Validation, detail).at("/url")
}

/// The same words for an address that is refused and for one that nobody is at, so that nobody learns which there are.
fn unreachable(error: &reqwest::Error) -> Problem {
    refused(match error.status() {
        Some(status) => format!("The address in the url answered {status}."),
        None => {
            "The url cannot be fetched: a public https address must answer there within 20 seconds."
                .to_owned()
        }
    })
}

/// https, without a name or password, and not to an address that is no public one. Host names are looked at when they are resolved.
fn checked(url: &Url) -> Result<(), Problem> {
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "The url must begin with https:// and carry no name or password.",
        ));
    }
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if public {
        Ok(())
    } else {
        Err(refused("The url must lead to a public address."))
    }
}

fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut path| path.next_back());
    let name: String = last
        .unwrap_or_default()
        .chars()
        .take(NAME_CHARS_MAX)
        .collect();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

/// Resolves names to public addresses alone. The connection goes to what was resolved here, so no second answer can differ.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is anybody's on the internet: in none of the ranges that IANA keeps for special purposes.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

/// 2000::/3 is what is given out; in it are ranges that stand for an IPv4 address or for nobody.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_not_public_is_not_asked() {
        let fetcher = Fetcher::new().unwrap();
        for url in [
            "http://1.1.1.1/a.csv",
            "ftp://1.1.1.1/a.csv",
            "https://ada:lovelace@1.1.1.1/a.csv",
            "https://127.0.0.1/a.csv",
            "https://0x7f.1/a.csv",
            "https://2130706433/a.csv",
            "https://[::1]/a.csv",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/a.csv",
            "a.csv",
        ] {
            let problem = fetcher.fetch(url).await.unwrap_err();
            assert_eq!(
                (problem.code, problem.pointer.as_deref()),
                (Code::Validation, Some("/url")),
                "{url}"
            );
        }
    }

    #[tokio::test]
    async fn a_file_is_read_up_to_the_limit() {
        let served = axum::Router::new().route("/a.csv", axum::routing::get(async || "a\n1\n"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/a.csv", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, served).await });
        let client = Client::builder().no_proxy().build().unwrap();
        let get = async |max| {
            let answer = client.get(url.clone()).send().await.unwrap();
            read(answer, max, name_of(&url)).await
        };
        let file = get(4).await.unwrap();
        assert_eq!(
            (file.name.as_str(), &file.bytes[..]),
            ("a.csv", &b"a\n1\n"[..])
        );
        assert_eq!(get(3).await.unwrap_err().code, Code::TooLarge);
    }
}
