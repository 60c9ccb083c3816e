//! Rules for the text of files, whatever is in them.

use anyhow::Result;

use super::{Complaint, Tree};

/// Folders of somebody's machine, without the slash that would make this file complain about
/// itself.
const MACHINE: [&str; 3] = ["/home", "/root", "/work"];
const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// A path of the machine where something was written works nowhere else, and tells what nobody
/// needs to know.
pub(super) fn check_machine_paths(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let text = tree.text(file)?.unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(folder) = MACHINE
                .into_iter()
                .find(|folder| line.contains(&format!("{folder}/")))
            {
                complaints.push(Complaint::new(
                    file,
                    number,
                    format!("names a folder in {folder}"),
                ));
            }
        }
    }
    Ok(complaints)
}

/// A file that does not fit in a head is two files.
pub(super) fn check_lengths(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in tree.files_with("rs") {
        let lines = tree.text(file)?.unwrap_or_default().lines().count();
        if lines > LONG {
            let text = format!("{lines} lines; {LONG} are enough, {TOO_LONG} the limit");
            complaints.push(Complaint {
                is_advice: lines <= TOO_LONG,
                ..Complaint::new(file, lines, text)
            });
        }
    }
    Ok(complaints)
}
