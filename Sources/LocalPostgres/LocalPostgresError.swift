/// Why a throw-away cluster could not be made, started or stopped.
package struct LocalPostgresError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The PostgreSQL server's programs are not on this machine.
        case notInstalled
        /// Running as root without a user `postgres` to run the server as.
        case noServerUser
        /// The server or one of its tools refused; the message has the last lines of its log.
        case failed
    }

    package let code: Code
    package let message: String

    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
