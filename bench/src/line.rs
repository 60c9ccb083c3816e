//! A slow line in user space, for kernels without netem: one TUN device, and a thread that holds each packet for a
//! while, swaps its two addresses and hands it back. So whoever talks to [`OTHER_END`] talks to this machine itself, the
//! long way round; sums over both addresses stay the same, so no checksum has to be mended.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// Where this machine is.
pub(crate) const OUR_END: Ipv4Addr = Ipv4Addr::new(198, 18, 77, 1);
/// Where it is met again.
pub(crate) const OTHER_END: Ipv4Addr = Ipv4Addr::new(198, 18, 77, 2);

const DEVICE: &str = "slow0";

/// A line; it lasts as long as the network it was laid in.
#[derive(Debug)]
pub(crate) struct Line;

impl Line {
    /// Lays it. This needs the right to change the network, so one lays it in a network of one's own.
    pub(crate) fn lay(one_way: Duration) -> Result<Self> {
        let device = device().context("no network device")?;
        ip(&["link", "set", "lo", "up"])?;
        ip(&["address", "add", &format!("{OUR_END}/24"), "dev", DEVICE])?;
        ip(&["link", "set", DEVICE, "up"])?;
        std::thread::spawn(move || carry(&device, one_way));
        Ok(Self)
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let status = Command::new("ip").args(arguments).status().context("ip")?;
    ensure!(
        status.success(),
        "ip {} ended with {status}",
        arguments.join(" ")
    );
    Ok(())
}

/// `struct ifreq` of linux/if.h, as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// IFF_TUN and IFF_NO_PI of linux/if_tun.h.
const PACKETS_ONLY: u16 = 0x0001 | 0x1000;
/// O_NONBLOCK of Linux.
const NEVER_WAIT: i32 = 0o4000;

nix::ioctl_write_ptr_bad!(tunsetiff, 0x4004_54ca, Request);

fn device() -> Result<File> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(NEVER_WAIT)
        .open("/dev/net/tun")?;
    let mut request = Request {
        name: [0; 16],
        flags: PACKETS_ONLY,
        rest: [0; 22],
    };
    for (to, from) in request.name.iter_mut().zip(DEVICE.bytes()) {
        *to = from;
    }
    // SAFETY: the request is as large as the kernel reads it, and lives until the call returns.
    unsafe { tunsetiff(device.as_raw_fd(), &raw const request) }?;
    Ok(device)
}

/// Carries packets until the device is gone.
fn carry(device: &File, one_way: Duration) {
    let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    loop {
        let due = under_way.front().map(|(due, _)| *due);
        let wait = due.map(|due| TimeSpec::from(due.saturating_duration_since(Instant::now())));
        let mut readable = [PollFd::new(device.as_fd(), PollFlags::POLLIN)];
        if ppoll(&mut readable, wait, None).is_err()
            || take(device, one_way, &mut under_way).is_err()
        {
            return;
        }
        while under_way
            .front()
            .is_some_and(|(due, _)| *due <= Instant::now())
        {
            if let Some((_, packet)) = under_way.pop_front() {
                // A packet that the kernel does not want is a packet lost.
                let _ = (&mut &*device).write(&packet);
            }
        }
    }
}

/// Takes up what waits at our end.
fn take(
    mut device: &File,
    one_way: Duration,
    under_way: &mut VecDeque<(Instant, Vec<u8>)>,
) -> std::io::Result<()> {
    let mut packet = [0; 65_536];
    loop {
        match device.read(&mut packet) {
            Ok(length) => {
                let packet = packet.get(..length).unwrap_or_default();
                under_way
                    .extend(turned_round(packet).map(|packet| (Instant::now() + one_way, packet)));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// From the other end to us (RFC 791 section 3.1); nothing else than IPv4 is carried.
fn turned_round(packet: &[u8]) -> Option<Vec<u8>> {
    let mut packet = packet.to_vec();
    let is_v4 = packet.first()? >> 4 == 4;
    let addresses = packet.get_mut(12..20).filter(|_| is_v4)?;
    addresses.rotate_left(4);
    Some(packet)
}
