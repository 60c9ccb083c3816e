//! A file that outlives a run: what is in it is either all of the old or all of the new, whenever the run is ended. One
//! run at a time changes it, and only for a moment, so that others need not wait while mail is awaited. What it says
//! is for the ledger.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Where a prober keeps what it knows from one run to the next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    path: PathBuf,
}

impl State {
    /// The most octets that are read: a file that is larger is not one of ours.
    pub const OCTETS: u64 = 4 * 1024 * 1024;

    /// The state in this file. Its folder must be there; beside it stand the lock and, for a moment, the next version.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; nothing before the first run.
    ///
    /// # Errors
    /// A file that cannot be read, or is too large.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match File::open(&self.path) {
            Ok(file) => read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Changes it: nobody else does so meanwhile, and no end of the run leaves half of it. What `change` tells is handed
    /// back.
    ///
    /// # Errors
    /// A file that cannot be read, locked or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<u8>) -> T) -> io::Result<T> {
        let _lock = self.lock()?;
        let before = self.read()?;
        let mut after = before.clone();
        let told = change(&mut after);
        if after != before {
            self.replace(&after)?;
        }
        Ok(told)
    }

    /// The lock goes with the file's handle, and with the process, however that ends.
    fn lock(&self) -> io::Result<File> {
        let mut options = private();
        let lock = options
            .create(true)
            .truncate(false)
            .open(self.beside("lock"))?;
        #[cfg(unix)]
        loop {
            use rustix::fs::{FlockOperation, flock};
            match flock(&lock, FlockOperation::LockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(lock)
    }

    /// A file is renamed as one; before that its bytes are on the disk, and after it the folder's.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let next = self.beside("next");
        let mut file = private().create(true).truncate(true).open(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&next, &self.path)?;
        #[cfg(unix)]
        File::open(self.folder())?.sync_all()?;
        Ok(())
    }

    #[cfg(unix)]
    fn folder(&self) -> &Path {
        let folder = self.path.parent();
        let named = folder.filter(|folder| !folder.as_os_str().is_empty());
        named.unwrap_or(Path::new("."))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }
}

/// A file to write that only its owner can read: it tells who mails whom.
fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

fn read(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(State::OCTETS + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(0..=State::OCTETS) => Ok(bytes),
        _ => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the file is larger than any state",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("mailprobe-state-{}-{count}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn state(&self) -> State {
            State::at(self.0.join("canaries"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn before_the_first_run_it_says_nothing_and_afterwards_what_was_written() {
        let folder = Folder::new();
        let state = folder.state();
        assert_eq!(state.read().unwrap(), b"");
        let told = state.change(|bytes| bytes.extend_from_slice(b"one\n"));
        assert_eq!(
            (told.unwrap(), state.read().unwrap()),
            ((), b"one\n".to_vec())
        );
    }

    #[test]
    fn changes_at_the_same_time_follow_each_other() {
        let folder = Folder::new();
        let state = folder.state();
        let each: Vec<_> = (0..8)
            .map(|_| {
                let state = state.clone();
                thread::spawn(move || {
                    for _ in 0..16 {
                        state.change(|bytes| bytes.push(b'.')).unwrap();
                    }
                })
            })
            .collect();
        for one in each {
            one.join().unwrap();
        }
        assert_eq!(state.read().unwrap().len(), 128);
    }

    #[test]
    fn what_a_run_left_half_written_is_not_read_and_does_not_stand_in_the_way() {
        let folder = Folder::new();
        let state = folder.state();
        state
            .change(|bytes| bytes.extend_from_slice(b"whole\n"))
            .unwrap();
        fs::write(state.beside("next"), "ha").unwrap();
        assert_eq!(state.read().unwrap(), b"whole\n");
        state
            .change(|bytes| bytes.extend_from_slice(b"more\n"))
            .unwrap();
        assert_eq!(state.read().unwrap(), b"whole\nmore\n");
    }

    #[test]
    fn the_largest_state_is_read_and_one_octet_more_is_not() {
        let folder = Folder::new();
        let state = folder.state();
        let file = File::create(state.path()).unwrap();
        file.set_len(State::OCTETS).unwrap();
        assert!(state.read().is_ok());
        file.set_len(State::OCTETS + 1).unwrap();
        assert_eq!(
            state.read().unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let state = folder.state();
        state.change(|bytes| bytes.push(b'.')).unwrap();
        let mode = fs::metadata(state.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
