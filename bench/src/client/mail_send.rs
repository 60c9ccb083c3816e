//! mail-send: `connect` and `quit`.

use std::sync::Arc;

use anyhow::Result;
use mail_send::SmtpClientBuilder;
use tokio_rustls::TlsConnector;

use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct MailSend {
    builder: SmtpClientBuilder<&'static str>,
    manner: Manner,
}

impl MailSend {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        let tls = TlsConnector::from(Arc::new(certificates.client()?));
        let port = task.server.port();
        let mut builder = SmtpClientBuilder::new_with_tls_connector(NAME, port, tls)
            .implicit_tls(task.manner == Manner::Implicit);
        builder.addr = task.server.to_string();
        Ok(Self {
            builder,
            manner: task.manner,
        })
    }

    pub(super) async fn ask(&self) -> Result<()> {
        match self.manner {
            Manner::Plain => self.builder.connect_plain().await?.quit().await?,
            Manner::Starttls | Manner::Implicit => self.builder.connect().await?.quit().await?,
        }
        Ok(())
    }
}
