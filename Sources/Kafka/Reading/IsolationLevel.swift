/// Whether a reader sees records of transactions that are open or were aborted.
package enum IsolationLevel: String, Sendable {
    case readCommitted = "read_committed"
    case readUncommitted = "read_uncommitted"
}
