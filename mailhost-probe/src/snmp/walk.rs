//! What is asked next, until everything was asked for that there is. Pure: requests out, answers in, each bounded.

use std::collections::BTreeMap;

use probe_core::FindingKind;

use super::findings::{CUT, LOOP, UNREAD};
use super::message::{Absence, Kind, Pdu, Request, Status, Value, Variable};
use super::mib::Batch;
use super::oid::Oid;

/// The walk through the objects of an agent.
#[derive(Debug)]
pub(super) struct Walk {
    /// Whether the agent can be asked for many values at once.
    has_bulk: bool,
    waiting: core::slice::Iter<'static, Batch>,
    cursors: Vec<Cursor>,
    kind: Wanted,
    /// How many of the cursors were asked for at once.
    asked: usize,
    /// How many may be.
    width: usize,
    repetitions: usize,
    requests: usize,
    pub(super) gathered: Gathered,
    /// What was odd on the way.
    pub(super) oddities: Vec<(&'static FindingKind, String)>,
}

/// What the present batch is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Scalars,
    Columns,
}

/// How far one object was read.
#[derive(Debug)]
struct Cursor {
    object: &'static [u32],
    at: Oid,
    rows: usize,
    is_over: bool,
}

impl Walk {
    /// So many requests are sent at most.
    pub(super) const REQUESTS: usize = 1000;
    /// So many rows of a table are read.
    pub(super) const ROWS: usize = 1024;
    /// So many values are asked for at once: about what goes over Ethernet in one piece.
    const VALUES: usize = 40;
    /// Longer instances than those of the tables that are read are of no use.
    const INSTANCE: usize = 4;

    pub(super) fn new(has_bulk: bool, batches: &'static [Batch]) -> Self {
        Self {
            has_bulk,
            waiting: batches.iter(),
            cursors: Vec::new(),
            kind: Wanted::Scalars,
            asked: 0,
            width: Self::VALUES,
            repetitions: Self::VALUES,
            requests: 0,
            gathered: Gathered::default(),
            oddities: Vec::new(),
        }
    }

    /// How many questions were put so far.
    pub(super) const fn requests(&self) -> usize {
        self.requests
    }

    /// The next question; nothing where everything was asked.
    pub(super) fn next(&mut self) -> Option<Request> {
        if self.requests >= Self::REQUESTS {
            let evidence = format!("more than {} questions", Self::REQUESTS);
            self.oddities.push((&CUT, evidence));
            return None;
        }
        self.cursors.retain(|cursor| !cursor.is_over);
        while self.cursors.is_empty() {
            self.begin()?;
        }
        self.requests += 1;
        self.asked = self.cursors.len().min(self.width);
        let asked = self.cursors.iter().take(self.asked);
        let names = asked.map(|cursor| cursor.at.clone()).collect();
        let kind = match (self.kind, self.has_bulk) {
            (Wanted::Scalars, _) => Kind::Get,
            (Wanted::Columns, false) => Kind::Next,
            (Wanted::Columns, true) => {
                let times = (Self::VALUES / self.asked).clamp(1, self.repetitions);
                Kind::Bulk(u8::try_from(times).unwrap_or(1))
            }
        };
        Some(Request { kind, names })
    }

    /// Takes the answer to the last question; an error where there is no use in another one.
    pub(super) fn answer(&mut self, pdu: &Pdu) -> Result<(), NoAccess> {
        match pdu.status {
            Status::NO_ERROR => {}
            Status::AUTHORIZATION | Status::NO_ACCESS => return Err(NoAccess(pdu.status)),
            Status::TOO_BIG if self.ask_for_less() => return Ok(()),
            status => {
                self.leave_out(pdu.index, status);
                return Ok(());
            }
        }
        match self.kind {
            Wanted::Scalars => self.take_scalars(pdu),
            Wanted::Columns => self.take_rows(pdu),
        }
        Ok(())
    }

    /// What is shown of the answer to the last question. Who asks for what follows is told of other objects as well.
    pub(super) fn words(&self, pdu: &Pdu) -> String {
        let is_asked = |variable: &&Variable| {
            let mut cursors = self.cursors.iter().take(self.asked);
            cursors.any(|cursor| variable.name.instance_of(cursor.object).is_some())
        };
        let shown = pdu.variables.iter().filter(is_asked);
        let shown: Vec<_> = shown.map(|one| format!("\n  {one}")).collect();
        let others = match pdu.variables.len().saturating_sub(shown.len()) {
            0 => String::new(),
            others => format!("\n  and {others} others"),
        };
        let status = match pdu.status {
            Status::NO_ERROR => String::new(),
            status => format!(": {status} at {}", pdu.index),
        };
        format!("response{status}{}{others}", shown.concat())
    }

    fn begin(&mut self) -> Option<()> {
        let (kind, objects) = match self.waiting.next()? {
            Batch::Scalars(objects) => (Wanted::Scalars, objects),
            Batch::Columns(objects) => (Wanted::Columns, objects),
        };
        let cursor = |object: &&'static [u32]| Cursor {
            object,
            at: match kind {
                Wanted::Scalars => Oid::scalar(object),
                Wanted::Columns => Oid::new(object),
            },
            rows: 0,
            is_over: false,
        };
        self.kind = kind;
        self.cursors = objects.iter().map(cursor).collect();
        Some(())
    }

    /// Whether less can be asked for than was.
    fn ask_for_less(&mut self) -> bool {
        if self.has_bulk && self.kind == Wanted::Columns && self.repetitions > 1 {
            self.repetitions /= 2;
            return true;
        }
        self.width = self.asked / 2;
        self.width > 0
    }

    /// The object that a fault is about is not asked for again. A fault that is about none is about all that were asked.
    fn leave_out(&mut self, index: usize, status: Status) {
        // Where even one alone is too large.
        self.width = self.width.max(1);
        let asked = self.cursors.iter_mut().take(self.asked);
        let is_it = |place: usize| index == 0 || index > self.asked || place + 1 == index;
        for (_, cursor) in asked.enumerate().filter(|(place, _)| is_it(*place)) {
            cursor.is_over = true;
            match status {
                // Version 1 says so of what is not there.
                Status::NO_SUCH_NAME if cursor.rows == 0 => {
                    self.gathered.absent.push((cursor.object, Absence::Object));
                }
                Status::NO_SUCH_NAME => {}
                other => {
                    let evidence = format!("{}: {other}", cursor.at);
                    self.oddities.push((&UNREAD, evidence));
                }
            }
        }
    }

    /// Each is asked for once, whatever comes.
    fn take_scalars(&mut self, pdu: &Pdu) {
        for cursor in self.cursors.iter_mut().take(self.asked) {
            cursor.is_over = true;
            let mut variables = pdu.variables.iter();
            match variables.find(|variable| variable.name == cursor.at) {
                Some(variable) => match &variable.value {
                    Value::Absent(absence) => {
                        self.gathered.absent.push((cursor.object, *absence));
                    }
                    value => self.gathered.keep(&cursor.at, value),
                },
                None => self
                    .gathered
                    .absent
                    .push((cursor.object, Absence::Instance)),
            }
        }
    }

    /// Row by row, a value for each column. A column that brings nothing new is over, so each answer leads on.
    fn take_rows(&mut self, pdu: &Pdu) {
        let asked = self.asked.max(1);
        let before: usize = self.cursors.iter().map(|cursor| cursor.rows).sum();
        for row in pdu.variables.chunks(asked) {
            for (cursor, variable) in self.cursors.iter_mut().zip(row) {
                if cursor.is_over {
                    continue;
                }
                let Some(instance) = variable.name.instance_of(cursor.object) else {
                    cursor.is_over = true;
                    continue;
                };
                if let Value::Absent(_) = variable.value {
                    cursor.is_over = true;
                } else if variable.name <= cursor.at {
                    cursor.is_over = true;
                    let evidence = format!("{} follows {}", variable.name, cursor.at);
                    self.oddities.push((&LOOP, evidence));
                } else if cursor.rows >= Self::ROWS {
                    cursor.is_over = true;
                    let object = Oid::new(cursor.object);
                    let evidence = format!("more than {} rows of {object}", Self::ROWS);
                    self.oddities.push((&CUT, evidence));
                } else {
                    cursor.rows += 1;
                    cursor.at = variable.name.clone();
                    if instance.len() <= Self::INSTANCE {
                        self.gathered.keep(&variable.name, &variable.value);
                    }
                }
            }
        }
        let after: usize = self.cursors.iter().map(|cursor| cursor.rows).sum();
        let is_stuck = before == after && !self.cursors.iter().any(|cursor| cursor.is_over);
        if is_stuck {
            for cursor in self.cursors.iter_mut().take(asked) {
                cursor.is_over = true;
                let evidence = format!("{}: an answer without values", cursor.at);
                self.oddities.push((&UNREAD, evidence));
            }
        }
    }
}

/// The agent says that we may not ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoAccess(pub(super) Status);

/// The values that an agent has told.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    values: BTreeMap<Oid, Value>,
    /// Objects of which it said that there are none.
    pub(super) absent: Vec<(&'static [u32], Absence)>,
}

impl Gathered {
    fn keep(&mut self, name: &Oid, value: &Value) {
        if !matches!(value, Value::Other(_)) {
            self.values.insert(name.clone(), value.clone());
        }
    }

    /// How many there are.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of an object that there is one of.
    pub(super) fn scalar(&self, object: &[u32]) -> Option<&Value> {
        self.values.get(&Oid::scalar(object))
    }

    /// The values of a column, each with its row.
    pub(super) fn column<'a>(
        &'a self,
        object: &'static [u32],
    ) -> impl Iterator<Item = (&'a [u32], &'a Value)> {
        let from = self.values.range(Oid::new(object)..);
        from.map_while(move |(name, value)| Some((name.instance_of(object)?, value)))
    }

    /// The value of a column in this row.
    pub(super) fn cell(&self, object: &[u32], row: &[u32]) -> Option<&Value> {
        self.values.get(&Oid::from([object, row].concat()))
    }
}
