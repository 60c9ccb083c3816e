//! async-imap, with the TLS of the others beneath it: it brings none of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_imap::Client;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Manner, PASSWORD, Task, USER};
use crate::certificates::{Certificates, NAME};

pub(super) struct AsyncImap {
    server: SocketAddr,
    manner: Manner,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl AsyncImap {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        Ok(Self {
            server: task.server,
            manner: task.manner,
            tls: TlsConnector::from(Arc::new(certificates.client()?)),
            name: NAME.try_into()?,
        })
    }

    pub(super) async fn ask(&self) -> Result<()> {
        let stream = TcpStream::connect(self.server).await?;
        // Its own examples do not. A command of its is four small writes, so it would stall at each.
        stream.set_nodelay(true)?;
        if self.manner == Manner::Implicit {
            let mut client = Client::new(self.secure(stream).await?);
            client.read_response().await?.context("no greeting")?;
            let mut session = client
                .login(USER, PASSWORD)
                .await
                .map_err(|(error, _)| error)?;
            return Ok(session.logout().await?);
        }
        let mut client = Client::new(stream);
        client.read_response().await?.context("no greeting")?;
        if self.manner == Manner::Starttls {
            client.run_command_and_check_ok("STARTTLS", None).await?;
            let mut client = Client::new(self.secure(client.into_inner()).await?);
            client.run_command_and_check_ok("CAPABILITY", None).await?;
            return Ok(client.run_command_and_check_ok("LOGOUT", None).await?);
        }
        client.run_command_and_check_ok("CAPABILITY", None).await?;
        Ok(client.run_command_and_check_ok("LOGOUT", None).await?)
    }

    async fn secure(
        &self,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
        Ok(self.tls.connect(self.name.clone(), stream).await?)
    }
}
