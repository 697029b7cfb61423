//! Key files: 32 secret bytes as 64 hexadecimal digits and a line's end.
//!
//! Invariants: a file is made once, with mode 0600, and never written over; one that others may
//! read is refused; the secret appears in no message and no debug output. Deliberately absent:
//! passphrases; whoever reads the owner's files is the owner.

use crate::hex;
use lockstep_types::envelope::Signer;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes of a key file at most: digits and a line's end.
const FILE_BYTES_MAX: u64 = 66;

/// What is wrong with a key file.
#[derive(Debug)]
pub enum KeyError {
    /// There is a file already.
    Exists(PathBuf),
    /// The operating system refused it.
    File(PathBuf, io::Error),
    /// Others than its owner may read or write it; the mode.
    Mode(PathBuf, u32),
    /// It has something else than 64 hexadecimal digits.
    Form(PathBuf),
    /// No random bytes are to be had.
    Random(io::Error),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => {
                write!(f, "key: {} is there already and is not written over", path.display())
            }
            Self::File(path, error) => write!(f, "key: {}: {error}", path.display()),
            Self::Mode(path, mode) => write!(
                f,
                "key: {} has mode {mode:03o}, so that others than its owner may use it; make it \
                 600",
                path.display()
            ),
            Self::Form(path) => {
                write!(f, "key: {} is not 64 hexadecimal digits in lower case", path.display())
            }
            Self::Random(error) => write!(f, "key: no random bytes: {error}"),
        }
    }
}

impl std::error::Error for KeyError {}

/// A secret ed25519 key. Its debug output shows the public one.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    seed: [u8; 32],
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({})", hex::encode(&self.public_key()))
    }
}

impl KeyFile {
    /// The key that has this seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed }
    }

    /// Makes a key of random bytes and its file.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written.
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
        random.map_err(KeyError::Random)?;
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(path);
        let refused = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_path_buf()),
            _ => KeyError::File(path.to_path_buf(), error),
        };
        let mut file = opened.map_err(refused)?;
        let written = writeln!(file, "{}", hex::encode(&seed)).and_then(|()| file.sync_all());
        written.map_err(|error| KeyError::File(path.to_path_buf(), error))?;
        Ok(Self { seed })
    }

    /// Reads a key.
    ///
    /// # Errors
    /// When the file is missing, open to others, or no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let refused = |error| KeyError::File(path.to_path_buf(), error);
        let file = File::open(path).map_err(refused)?;
        let mode = file.metadata().map_err(refused)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Mode(path.to_path_buf(), mode));
        }
        let form = || KeyError::Form(path.to_path_buf());
        let mut text = String::new();
        match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(form()),
            Err(error) => return Err(refused(error)),
        }
        Ok(Self { seed: hex::decode_32(text.trim_end()).ok_or_else(form)? })
    }

    /// Reads a key, or makes it if there is no such file.
    ///
    /// # Errors
    /// As [`KeyFile::read`] and [`KeyFile::create`].
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        if fs::exists(path).map_err(|error| KeyError::File(path.to_path_buf(), error))? {
            Self::read(path)
        } else {
            Self::create(path)
        }
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.signer().public_key()
    }

    /// What signs with it.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::from_seed(self.seed)
    }

    /// The secret itself, for whoever must hand it to a library.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of one test's own that is gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("lockstep-keys-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_made_once_and_read_back_and_shown_by_nobody() {
        let folder = Folder::new("once");
        let path = folder.0.join("a.key");
        let made = KeyFile::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyFile::read(&path).unwrap(), made);
        assert_eq!(KeyFile::open_or_create(&path).unwrap(), made);
        assert!(matches!(KeyFile::create(&path), Err(KeyError::Exists(_))));
        let secret = hex::encode(&made.seed());
        assert!(!format!("{made:?}").contains(&secret));
        let other = KeyFile::open_or_create(&folder.0.join("b.key")).unwrap();
        assert_ne!(other, made, "two keys are alike");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_and_its_content_is_not() {
        let folder = Folder::new("wrong");
        let path = folder.0.join("a.key");
        let said = |path: &Path| KeyFile::read(path).unwrap_err().to_string();
        assert!(said(&path).contains("No such file"), "{}", said(&path));
        let contents =
            [String::new(), "0F".repeat(32), "0f".repeat(31), "0f".repeat(33), "\u{0}".into()];
        for content in contents {
            fs::write(&path, &content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(said(&path).contains("64 hexadecimal digits"), "{content:?}");
            assert!(content.len() < 8 || !said(&path).contains(&content));
        }
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(said(&path).contains("64 hexadecimal digits"));
        fs::write(&path, format!("{}\n", "0f".repeat(32))).unwrap();
        assert!(KeyFile::read(&path).is_ok());
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(said(&path).contains(&format!("mode {mode:03o}")));
        }
    }
}
