//! For tests: what the log is told meanwhile.

use std::cell::RefCell;
use std::io::Write;

use tracing::level_filters::LevelFilter;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged in this thread: each test has one of its own, and there is one log for all of them.
struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log of some work, at the level trace.
pub(crate) async fn logged(work: impl Future<Output = ()>) -> String {
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(|| ThisThread).finish();
    let _another_test_was_first = tracing::subscriber::set_global_default(log);
    LOG.take();
    work.await;
    String::from_utf8(LOG.take()).unwrap()
}
