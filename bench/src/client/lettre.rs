//! lettre, asked whether it can connect: EHLO, STARTTLS, EHLO, NOOP, QUIT.

use anyhow::{Context, Result, ensure};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct Lettre {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Lettre {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        let authority = std::fs::read(certificates.authority())?;
        let parameters = TlsParameters::builder(NAME.to_owned())
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&authority)?)
            .build_rustls()?;
        let tls = match task.manner {
            Manner::Plain => Tls::None,
            Manner::Starttls => Tls::Required(parameters),
            Manner::Implicit => Tls::Wrapper(parameters),
        };
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(task.server.ip().to_string())
                .port(task.server.port())
                .tls(tls)
                .build();
        Ok(Self { transport })
    }

    pub(super) async fn ask(&self) -> Result<()> {
        let connected = self.transport.test_connection().await;
        ensure!(connected.context("lettre")?, "lettre could not connect");
        Ok(())
    }
}
