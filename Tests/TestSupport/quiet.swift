import FoundationEssentials
package import Logging

/// A logger that says nothing, or everything when `GODWIT_TEST_LOG` is set.
package let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["GODWIT_TEST_LOG"] == nil ? .critical : .trace
    return logger
}()
