//! One agent, and how we talk with it: requests become messages of its version, and messages become answers, once it is shown
//! that they are. No I/O, no clock.

use probe_core::Secret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::access::{Kind as Access, SnmpUser};
use super::ber::{self, OCTETS};
use super::message::{Pdu, Plain, Request};
use super::secured::{self, Envelope, Flags, Sealed};
use super::usm::{SnmpAuth, Vector};

/// What a datagram is.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Heard {
    /// The answer to what was asked.
    Answer(Pdu),
    /// Nothing that was waited for.
    Foreign,
    /// An answer by its number, without the proof that it must have.
    Unproven,
    /// The agent has said what we needed to know: ask again.
    Learned,
    /// The agent does not take the message, for this reason.
    Refused(Refusal),
}

/// Why an agent does not take a message of version 3 (RFC 3414 section 5, RFC 3412 section 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The agent could not decrypt it.
    Decryption,
    /// Its clock and ours differ, also once it has told its own.
    Time,
    /// The user is to prove or to encrypt in a way that the agent does not have for it.
    Level,
    UnknownContext,
    UnknownEngine,
    UnknownUser,
    WrongProof,
    /// For a reason of its own.
    Other,
}

impl Refusal {
    /// Its counter in a report.
    fn of(report: &Pdu) -> Self {
        let name = report.variables.first().map(|first| first.name.arcs());
        match name {
            Some([1, 3, 6, 1, 6, 3, 15, 1, 1, which, ..]) => match which {
                1 => Self::Level,
                2 => Self::Time,
                3 => Self::UnknownUser,
                4 => Self::UnknownEngine,
                5 => Self::WrongProof,
                6 => Self::Decryption,
                _ => Self::Other,
            },
            Some([1, 3, 6, 1, 6, 3, 12, 1, 4 | 5, ..]) => Self::UnknownContext,
            _ => Self::Other,
        }
    }
}

/// A conversation with one agent.
#[derive(Debug)]
pub(super) struct Session {
    security: Security,
    numbers: Numbers,
    /// The numbers of what was asked and not answered yet.
    asked: Option<i32>,
}

#[derive(Debug)]
enum Security {
    Plain { version: Plain, community: Secret },
    Secured(Box<Secured>),
}

#[derive(Debug)]
struct Secured {
    user: SnmpUser,
    engine: Option<Engine>,
    /// How often the agent has told its clock because ours was wrong.
    corrections: u8,
}

/// What is known of an agent of version 3.
#[derive(Debug)]
struct Engine {
    id: Vec<u8>,
    boots: u32,
    time: u32,
    keys: Option<Keys>,
}

#[derive(Debug)]
struct Keys {
    auth: SnmpAuth,
    proof: Secret,
    privacy: Option<Secret>,
}

impl Session {
    /// So often the agent may tell its clock before that is a refusal.
    const CORRECTIONS: u8 = 2;

    pub(super) fn new(access: &Access, seed: [u8; 16]) -> Self {
        let plain = |version, community: &Secret| Security::Plain {
            version,
            community: community.clone(),
        };
        let security = match access {
            Access::V1(community) => plain(Plain::V1, community),
            Access::V2c(community) => plain(Plain::V2c, community),
            Access::V3(user) => Security::Secured(Box::new(Secured {
                user: user.clone(),
                engine: None,
                corrections: 0,
            })),
        };
        Self {
            security,
            numbers: Numbers { seed, used: 0 },
            asked: None,
        }
    }

    /// Whether an agent can be asked for many values at once, and tells where there are none.
    pub(super) const fn is_second(&self) -> bool {
        !matches!(
            self.security,
            Security::Plain {
                version: Plain::V1,
                ..
            }
        )
    }

    /// Whether the agent's name must be asked for first.
    pub(super) const fn is_stranger(&self) -> bool {
        matches!(&self.security, Security::Secured(secured) if secured.engine.is_none())
    }

    /// The message with a request. To an agent of version 3 that is not known yet, one that it will answer with its name.
    pub(super) fn encode(&mut self, request: &Request) -> Zeroizing<Vec<u8>> {
        let id = self.numbers.id();
        self.asked = Some(id);
        match &self.security {
            Security::Plain { version, community } => {
                version.encode(community.expose(), &request.encode(id))
            }
            Security::Secured(secured) => match &secured.engine {
                None => discovery(id),
                Some(engine) => engine.seal(&secured.user, request, id, self.numbers.salt()),
            },
        }
    }

    /// What a datagram from the agent's address is.
    pub(super) fn hear(&mut self, datagram: &[u8]) -> Heard {
        let Some(asked) = self.asked else {
            return Heard::Foreign;
        };
        let heard = match &mut self.security {
            Security::Plain { version, .. } => match version.read(datagram) {
                Some(pdu) if pdu.tag == Pdu::RESPONSE && pdu.id == i64::from(asked) => {
                    Heard::Answer(pdu)
                }
                _ => Heard::Foreign,
            },
            Security::Secured(secured) => match Sealed::read(datagram) {
                Some(sealed) if sealed.id == i64::from(asked) => secured.hear(&sealed, asked),
                _ => Heard::Foreign,
            },
        };
        if !matches!(heard, Heard::Foreign | Heard::Unproven) {
            self.asked = None;
        }
        heard
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) const fn asked(&self) -> Option<i32> {
        self.asked
    }

    /// The community, where there is one that is a secret: an agent may repeat it.
    pub(super) fn community(&self) -> Option<&Secret> {
        match &self.security {
            Security::Plain { community, .. } => Some(community),
            Security::Secured(_) => None,
        }
    }
}

impl Secured {
    fn hear(&mut self, sealed: &Sealed<'_>, asked: i32) -> Heard {
        let Some(engine) = &mut self.engine else {
            return self.meet(sealed);
        };
        if sealed.engine != engine.id {
            // An agent that was set up anew since we met it.
            return match plain_report(sealed) {
                Some(report) => Heard::Refused(Refusal::of(&report)),
                None => Heard::Foreign,
            };
        }
        if !sealed.flags.is_proven() && engine.keys.is_some() {
            return match plain_report(sealed) {
                Some(report) => Heard::Refused(Refusal::of(&report)),
                None => Heard::Unproven,
            };
        }
        let Some(pdu) = engine.open(sealed, self.user.name()) else {
            return Heard::Unproven;
        };
        match pdu.tag {
            Pdu::RESPONSE if pdu.id == i64::from(asked) => Heard::Answer(pdu),
            Pdu::REPORT => match Refusal::of(&pdu) {
                Refusal::Time if self.corrections < Session::CORRECTIONS => {
                    self.corrections += 1;
                    Heard::Learned
                }
                refusal => Heard::Refused(refusal),
            },
            _ => Heard::Foreign,
        }
    }

    /// An agent tells its name by complaining that it was not asked by it (RFC 3414 section 4). Nothing proves it; but who
    /// takes its place learns no key, and cannot prove its answers.
    fn meet(&mut self, sealed: &Sealed<'_>) -> Heard {
        let Some(report) = plain_report(sealed) else {
            return Heard::Foreign;
        };
        match Refusal::of(&report) {
            Refusal::UnknownEngine if sealed.engine.len() >= Engine::SHORTEST => {
                let keys = self.user.keys(sealed.engine);
                self.engine = Some(Engine {
                    id: sealed.engine.to_vec(),
                    boots: sealed.boots,
                    time: sealed.time,
                    keys: keys.map(|(auth, proof, privacy)| Keys {
                        auth,
                        proof,
                        privacy,
                    }),
                });
                Heard::Learned
            }
            Refusal::UnknownEngine => Heard::Foreign,
            refusal => Heard::Refused(refusal),
        }
    }
}

impl Engine {
    /// A shorter name is none (RFC 3411 section 5).
    const SHORTEST: usize = 5;
    /// Older messages may have been recorded (RFC 3414 section 2.2.3).
    const WINDOW: u32 = 150;

    fn seal(
        &self,
        user: &SnmpUser,
        request: &Request,
        id: i32,
        salt: [u8; 8],
    ) -> Zeroizing<Vec<u8>> {
        let scoped = secured::scoped(&self.id, &request.encode(id));
        let privacy = self.keys.as_ref().and_then(|keys| keys.privacy.as_ref());
        let data = privacy.and_then(|key| {
            let mut text = scoped.clone();
            self.vector(salt).encrypt(key, &mut text)?;
            Some(ber::element(OCTETS, &[&text]))
        });
        let envelope = Envelope {
            id,
            flags: Flags::of(self.keys.is_some(), privacy.is_some()),
            engine: &self.id,
            boots: self.boots,
            time: self.time,
            user: user.name(),
            proof: &[],
            salt: if data.is_some() { &salt } else { &[] },
        };
        let Some(keys) = &self.keys else {
            return envelope.seal(&scoped);
        };
        let data = data.unwrap_or(scoped);
        // Nothing else in the message depends on the proof.
        let zeros = vec![0; keys.auth.proof_length()];
        let unproven = Envelope {
            proof: &zeros,
            ..envelope
        };
        let proof = keys.auth.proof(&keys.proof, &unproven.seal(&data));
        let proven = Envelope {
            proof: &proof,
            ..envelope
        };
        proven.seal(&data)
    }

    /// What an authentic message says; nothing if it is none, or an old one.
    fn open(&mut self, sealed: &Sealed<'_>, user: &[u8]) -> Option<Pdu> {
        if sealed.user != user {
            return None;
        }
        let Some(keys) = &self.keys else {
            return secured::read_scoped(sealed.data);
        };
        let zeros = [0; 64];
        let parts = sealed.proven_parts(&zeros)?;
        let is_proven = keys.auth.proves(&keys.proof, &parts, sealed.proof);
        if !is_proven || self.is_old(sealed) {
            return None;
        }
        let pdu = match (&keys.privacy, sealed.flags.is_encrypted()) {
            (Some(key), true) => {
                let vector = Vector {
                    boots: sealed.boots,
                    time: sealed.time,
                    salt: sealed.salt.try_into().ok()?,
                };
                let (_, (tag, text)) = ber::any(sealed.data).ok()?;
                let mut text = Zeroizing::new(text.to_vec());
                vector.decrypt(key, &mut text)?;
                secured::read_scoped(&text).filter(|_| tag == OCTETS)?
            }
            // Faults with the time are reported in clear (RFC 3414 section 3.2).
            (Some(_), false) => {
                secured::read_scoped(sealed.data).filter(|pdu| pdu.tag == Pdu::REPORT)?
            }
            (None, true) => return None,
            (None, false) => secured::read_scoped(sealed.data)?,
        };
        (self.boots, self.time) = (sealed.boots, sealed.time);
        Some(pdu)
    }

    /// RFC 3414 section 3.2, step 7b.
    fn is_old(&self, sealed: &Sealed<'_>) -> bool {
        let before = (self.boots, self.time.saturating_sub(Self::WINDOW));
        (sealed.boots, sealed.time) < before
    }

    const fn vector(&self, salt: [u8; 8]) -> Vector {
        Vector {
            boots: self.boots,
            time: self.time,
            salt,
        }
    }
}

/// A report that is neither proven nor encrypted: of an agent that cannot tell whom it speaks with. Whoever forges one can
/// do no more than keep us from an answer.
fn plain_report(sealed: &Sealed<'_>) -> Option<Pdu> {
    let is_plain = !sealed.flags.is_encrypted();
    let pdu = secured::read_scoped(sealed.data).filter(|_| is_plain)?;
    (pdu.tag == Pdu::REPORT).then_some(pdu)
}

fn discovery(id: i32) -> Zeroizing<Vec<u8>> {
    let nothing = Request {
        kind: super::message::Kind::Get,
        names: Vec::new(),
    };
    let envelope = Envelope {
        id,
        flags: Flags::of(false, false),
        engine: &[],
        boots: 0,
        time: 0,
        user: &[],
        proof: &[],
        salt: &[],
    };
    envelope.seal(&secured::scoped(&[], &nothing.encode(id)))
}

/// Numbers that nobody can guess who does not see them, and no two of which are alike by intent.
#[derive(Debug)]
struct Numbers {
    seed: [u8; 16],
    used: u64,
}

impl Numbers {
    /// The number of a message, which is positive.
    fn id(&mut self) -> i32 {
        let [a, b, c, d, ..] = self.next();
        (u32::from_be_bytes([a, b, c, d]) >> 1).cast_signed()
    }

    /// What no two messages under the same key may have in common (RFC 3826 section 3.1.2.1).
    fn salt(&mut self) -> [u8; 8] {
        self.next()
    }

    fn next(&mut self) -> [u8; 8] {
        self.used += 1;
        let hash = Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.used.to_be_bytes())
            .finalize();
        let mut octets = [0; 8];
        for (place, octet) in octets.iter_mut().zip(hash) {
            *place = octet;
        }
        octets
    }
}
