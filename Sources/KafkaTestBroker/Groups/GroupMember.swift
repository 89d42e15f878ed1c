import NIOCore

/// One member of a consumer group.
final class GroupMember {
    let id: String
    let instanceID: String?
    let clientID: String
    let clientHost: String
    private(set) var sessionTimeout: Int64 = 0
    private(set) var rebalanceTimeout: Int64 = 0
    private(set) var protocols: [MemberProtocol] = []
    var assignment = ByteBuffer()
    /// The answer a waiting `JoinGroup` wants.
    var join: ((JoinGroup.Response) -> Void)?
    /// The answer a waiting `SyncGroup` wants.
    var sync: ((KafkaErrorCode, ByteBuffer) -> Void)?
    var session: Scheduled<Void>?

    init(id: String, clientID: String, clientHost: String, _ request: JoinGroup.Request) {
        self.id = id
        self.clientID = clientID
        self.clientHost = clientHost
        instanceID = request.instanceID
        take(request)
    }

    /// Takes over what the member says when it joins.
    func take(_ request: JoinGroup.Request) {
        sessionTimeout = Int64(request.sessionTimeout)
        // Version 0 has no timeout of its own for rebalances.
        rebalanceTimeout = Int64(request.rebalanceTimeout < 0 ? request.sessionTimeout : request.rebalanceTimeout)
        protocols = request.protocols
    }

    func metadata(for name: String?) -> ByteBuffer {
        protocols.first { $0.name == name }?.metadata ?? ByteBuffer()
    }

    func answerJoin(_ response: JoinGroup.Response) {
        let answer = join
        join = nil
        answer?(response)
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
