/// A position that a group has committed.
struct CommittedOffset: Hashable, Codable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String
    var committed: Int64
}
