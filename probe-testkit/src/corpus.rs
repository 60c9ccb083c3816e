//! Reading a folder of samples, so that a fuzzer's corpus is replayed by every plain test run. What is done with the
//! samples is the test's business.

use std::fs;
use std::io;
use std::path::Path;

/// All files of a folder, with their names, sorted by name. Hidden files and folders are passed over.
///
/// # Panics
///
/// If the folder is missing, empty or unreadable: a replay that finds nothing must fail, not pass.
///
/// ```
/// for (name, bytes) in probe_testkit::corpus("tests/corpus/reply") {
///     assert!(!bytes.is_empty(), "{name}");
/// }
/// ```
#[allow(clippy::panic, reason = "a replay that finds nothing must fail")]
#[track_caller]
pub fn corpus(folder: impl AsRef<Path>) -> Vec<(String, Vec<u8>)> {
    let folder = folder.as_ref();
    match read(folder) {
        Ok(samples) if samples.is_empty() => panic!("the corpus {} is empty", folder.display()),
        Ok(samples) => samples,
        Err(error) => panic!("the corpus {} cannot be read: {error}", folder.display()),
    }
}

fn read(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.starts_with('.') {
            samples.push((name, fs::read(entry.path())?));
        }
    }
    samples.sort();
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_is_sorted_by_name() {
        let samples = corpus("tests/corpus/reply");
        assert_eq!(
            samples,
            [
                ("bare-lf".to_owned(), b"220 ready\n".to_vec()),
                (
                    "greeting".to_owned(),
                    b"220 mx.example.test ESMTP\r\n".to_vec()
                ),
            ]
        );
    }

    #[test]
    #[should_panic(expected = "cannot be read")]
    fn a_missing_corpus_panics() {
        corpus("tests/no-such-corpus");
    }

    #[test]
    #[should_panic(expected = "is empty")]
    fn a_corpus_without_files_panics() {
        corpus("tests/corpus");
    }
}
