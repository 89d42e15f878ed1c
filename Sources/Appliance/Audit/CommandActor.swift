import FoundationEssentials
import Glibc

/// Who runs this command, as the audit names them.
package enum CommandActor {
    /// `user@host`; the user's number where it has no name, as in many containers.
    package static var current: String {
        let user = ProcessInfo.processInfo.userName
        return "\(user.isEmpty ? "\(getuid())" : user)@\(ProcessInfo.processInfo.hostName)"
    }
}
