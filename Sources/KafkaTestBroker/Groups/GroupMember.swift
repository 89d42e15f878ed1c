import NIOCore

/// One member of a consumer group.
final class GroupMember {
    let id: String
    let instanceID: String?
    let clientID: String
    let clientHost: String
    var sessionTimeout: Int64
    var rebalanceTimeout: Int64
    var protocols: [(name: String, metadata: ByteBuffer)]
    var assignment = ByteBuffer()
    /// The answer a waiting `JoinGroup` wants.
    var join: ((GroupMembership) -> Void)?
    /// The answer a waiting `SyncGroup` wants.
    var sync: ((KafkaErrorCode, ByteBuffer) -> Void)?
    var session: Scheduled<Void>?

    init(
        id: String, instanceID: String?, clientID: String, clientHost: String, sessionTimeout: Int64,
        rebalanceTimeout: Int64, protocols: [(name: String, metadata: ByteBuffer)]
    ) {
        self.id = id
        self.instanceID = instanceID
        self.clientID = clientID
        self.clientHost = clientHost
        self.sessionTimeout = sessionTimeout
        self.rebalanceTimeout = rebalanceTimeout
        self.protocols = protocols
    }

    func metadata(for name: String?) -> ByteBuffer {
        protocols.first { $0.name == name }?.metadata ?? ByteBuffer()
    }

    func hasSameProtocols(_ others: [(name: String, metadata: ByteBuffer)]) -> Bool {
        protocols.count == others.count
            && zip(protocols, others).allSatisfy { $0.name == $1.name && $0.metadata == $1.metadata }
    }

    func answerJoin(_ membership: GroupMembership) {
        let answer = join
        join = nil
        answer?(membership)
    }

    func answerSync(_ code: KafkaErrorCode) {
        let answer = sync
        sync = nil
        answer?(code, code == .none ? assignment : ByteBuffer())
    }

    func stopTimer() {
        session?.cancel()
        session = nil
    }
}

/// What a member learns when it has joined, or why it has not.
struct GroupMembership {
    var error = KafkaErrorCode.none
    var memberID: String
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leader = ""
    var skipAssignment = false
    var members: [(id: String, instanceID: String?, metadata: ByteBuffer)] = []
}
