//! Certificates, by the OpenSSL that librdkafka is linked with.

use std::ffi::{c_int, c_long, c_void, CString};
use std::net::IpAddr;
use std::ptr::{null, null_mut};

use openssl_sys as ssl;

use super::owned_string;
use crate::core::error::{KafkaError, KafkaResult};

/// Before anything else uses OpenSSL: it would clean up at the process's exit, under the hands of threads that are connected.
pub fn begin() {
    ssl::init(); // says OPENSSL_INIT_NO_ATEXIT, once
}

pub const VALID: c_int = ssl::X509_V_OK;
pub const HOST_NAME_MISMATCH: c_int = ssl::X509_V_ERR_HOSTNAME_MISMATCH;

/// OpenSSL's words for the result of a verification.
pub fn reason(x509_error: c_int) -> String {
    // SAFETY: a static string for any number.
    unsafe { owned_string(ssl::X509_verify_cert_error_string(c_long::from(x509_error))) }.unwrap_or_default()
}

/// A host name or an address that a certificate has to be for.
pub struct ServerName {
    name: CString,
    is_address: bool,
}

impl ServerName {
    pub fn new(name: &str) -> KafkaResult<ServerName> {
        let is_address = name.parse::<IpAddr>().is_ok();
        match CString::new(name) {
            Ok(name) if !name.is_empty() => Ok(ServerName { name, is_address }),
            _ => Err(KafkaError::invalid_argument(format!("{name:?} is no name of a server"))),
        }
    }

    pub fn text(&self) -> &str {
        self.name.to_str().unwrap_or_default()
    }

    /// Whether the certificate is for this name, by the rules of RFC 6125. False when it cannot be read.
    pub fn is_of(&self, der: &[u8]) -> bool {
        let Ok(length) = c_long::try_from(der.len()) else { return false };
        // SAFETY: `start` is moved by OpenSSL, within `der`; the certificate is freed here.
        unsafe {
            let mut start = der.as_ptr();
            let certificate = ssl::d2i_X509(null_mut(), &mut start, length);
            if certificate.is_null() {
                ssl::ERR_clear_error();
                return false;
            }
            // 1 is a match, 0 is none, below is trouble.
            let answer = match self.is_address {
                true => ssl::X509_check_ip_asc(certificate, self.name.as_ptr(), 0),
                false => {
                    let length = self.name.as_bytes().len();
                    ssl::X509_check_host(certificate, self.name.as_ptr(), length, NO_PARTIAL_WILDCARDS, null_mut())
                }
            };
            ssl::X509_free(certificate);
            answer == 1
        }
    }
}

/// `X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS`: `*.example.com` is a name, `b*.example.com` is none, as in Node.
const NO_PARTIAL_WILDCARDS: u32 = 0x4;

/// What a PKCS#12 file holds, as PEM.
pub struct KeyStore {
    pub key: Option<String>,
    pub certificate: Option<String>,
    pub chain: Vec<String>,
}

/// Opens a PKCS#12 file. No error text holds the passphrase.
pub fn read_pkcs12(bytes: &[u8], passphrase: Option<&str>) -> KafkaResult<KeyStore> {
    let passphrase = passphrase.map(CString::new).transpose();
    let passphrase = passphrase.map_err(|_| KafkaError::invalid_argument("a passphrase must not contain NUL"))?;
    let length = c_long::try_from(bytes.len()).unwrap_or(c_long::MAX);
    let (mut key, mut certificate, mut chain) = (null_mut(), null_mut(), null_mut());
    // SAFETY: all pointers are OpenSSL's own or to live memory; each object that it gives is freed by its guard.
    unsafe {
        ssl::ERR_clear_error();
        let mut start = bytes.as_ptr();
        let store = Guard(ssl::d2i_PKCS12(null_mut(), &mut start, length), ssl::PKCS12_free);
        if store.0.is_null() {
            ssl::ERR_clear_error();
            return Err(KafkaError::invalid_argument("not a PKCS#12 file"));
        }
        let passphrase = passphrase.as_ref().map_or(null(), |text| text.as_ptr());
        let parsed = ssl::PKCS12_parse(store.0, passphrase, &mut key, &mut certificate, &mut chain);
        let (key, certificate) = (Guard(key, ssl::EVP_PKEY_free), Guard(certificate, ssl::X509_free));
        let chain = Guard(chain, free_chain);
        if parsed != 1 {
            return Err(KafkaError::invalid_argument(last_reason()));
        }
        let write_key = |bio| ssl::PEM_write_bio_PKCS8PrivateKey(bio, key.0, null(), null(), 0, None, null_mut());
        let write_certificate = |certificate| move |bio| ssl::PEM_write_bio_X509(bio, certificate);
        let count = if chain.0.is_null() { 0 } else { ssl::OPENSSL_sk_num(chain.0.cast()).max(0) };
        let of_chain = |index| ssl::OPENSSL_sk_value(chain.0.cast(), index).cast::<ssl::X509>();
        Ok(KeyStore {
            key: (!key.0.is_null()).then(|| pem(write_key)).transpose()?,
            certificate: (!certificate.0.is_null()).then(|| pem(write_certificate(certificate.0))).transpose()?,
            chain: (0..count).map(|index| pem(write_certificate(of_chain(index)))).collect::<KafkaResult<_>>()?,
        })
    }
}

/// An object of OpenSSL, freed with this value; NULL is fine.
struct Guard<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: ours, freed once.
            unsafe { (self.1)(self.0) }
        }
    }
}

unsafe extern "C" fn free_certificate(certificate: *mut c_void) {
    ssl::X509_free(certificate.cast());
}

unsafe extern "C" fn free_chain(chain: *mut ssl::stack_st_X509) {
    ssl::OPENSSL_sk_pop_free(chain.cast(), Some(free_certificate));
}

/// # Safety
/// `write` writes to the BIO that it is given.
unsafe fn pem(write: impl FnOnce(*mut ssl::BIO) -> c_int) -> KafkaResult<String> {
    unsafe extern "C" fn free(bio: *mut ssl::BIO) {
        ssl::BIO_free_all(bio);
    }
    let bio = Guard(ssl::BIO_new(ssl::BIO_s_mem()), free);
    if bio.0.is_null() || write(bio.0) != 1 {
        return Err(KafkaError::invalid_argument(last_reason()));
    }
    let mut data = null_mut();
    let length = ssl::BIO_get_mem_data(bio.0, &mut data);
    let bytes = std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(length).unwrap_or(0));
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Why OpenSSL failed last, on this thread.
fn last_reason() -> String {
    // SAFETY: a static string, or NULL.
    let text = unsafe {
        let text = owned_string(ssl::ERR_reason_error_string(ssl::ERR_peek_last_error()));
        ssl::ERR_clear_error();
        text
    };
    text.unwrap_or_else(|| "OpenSSL does not say why".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pkcs12_file_is_refused() {
        let error = read_pkcs12(b"nothing of the kind", Some("secret")).err().unwrap();
        assert_eq!(error.message, "not a PKCS#12 file");
        assert!(read_pkcs12(&[], None).is_err());
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_for_nobody() {
        assert!(!ServerName::new("localhost").unwrap().is_of(b"rubbish"));
        assert!(ServerName::new("").is_err());
        assert!(ServerName::new("a\0b").is_err());
    }

    #[test]
    fn results_of_a_verification_have_words() {
        assert_eq!(reason(HOST_NAME_MISMATCH), "hostname mismatch");
        assert_eq!(reason(VALID), "ok");
    }
}
