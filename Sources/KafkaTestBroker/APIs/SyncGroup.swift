import NIOCore

/// `SyncGroup`: the leader hands in the assignment, and each member gets its part. Version 5 checks the protocol.
enum SyncGroup {
    struct Request: RequestBody {
        var groupID = ""
        var generation: Int32 = 0
        var memberID = ""
        var instanceID: String?
        var protocolType: String?
        var protocolName: String?
        var assignments: [Assignment] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID, &generation, &memberID)
            wire(&instanceID, 3...)
            wire(&protocolType, &protocolName, 5...)
            wire(&assignments)
        }
    }

    struct Assignment: Message {
        var memberID = ""
        var partitions = ByteBuffer()

        mutating func fields(_ wire: inout Coder) { wire(&memberID, &partitions) }
    }

    struct Response: Message {
        var error = KafkaErrorCode.none
        var protocolType: String?
        var protocolName: String?
        var assignment = ByteBuffer()

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error)
            wire(&protocolType, &protocolName, 5...)
            wire(&assignment)
        }
    }
}

extension Broker {
    func syncGroup(_ request: SyncGroup.Request, _ context: RequestContext) {
        do throws(KafkaErrorCode) {
            try context.injectedError().check()
            let (group, member) = try member(
                request.memberID, request.instanceID, of: request.groupID, generation: request.generation)
            guard request.protocolType ?? group.protocolType == group.protocolType,
                request.protocolName ?? group.protocolName == group.protocolName
            else { throw .inconsistentGroupProtocol }
            let answer = { (code: KafkaErrorCode, assignment: ByteBuffer) in
                context.reply(
                    SyncGroup.Response(
                        error: code, protocolType: code == .none ? group.protocolType : nil,
                        protocolName: code == .none ? group.protocolName : nil, assignment: assignment))
            }
            switch group.state {
            case .empty: throw .unknownMemberID
            case .preparingRebalance: throw .rebalanceInProgress
            case .stable:
                groups.touch(member, in: group)
                answer(.none, member.assignment)
            case .completingRebalance:
                groups.touch(member, in: group)
                member.sync = answer
                guard member.id == group.leader else { return }
                let parts = request.assignments.map { ($0.memberID, $0.partitions) }
                groups.assign(Dictionary(parts) { $1 }, in: group)
            }
        } catch {
            context.reply(SyncGroup.Response(error: error))
        }
    }

    /// A member of a group that names its present generation.
    func member(
        _ id: String, _ instance: String?, of groupID: String, generation: Int32
    ) throws(KafkaErrorCode) -> (Group, GroupMember) {
        guard let group = groups.group(groupID, create: false) else { throw .unknownMemberID }
        if let instance {
            guard let member = group.member(instance: instance) else { throw .unknownMemberID }
            guard member.id == id else { throw .fencedInstanceID }
        }
        guard let member = group.member(id) else { throw .unknownMemberID }
        guard generation == group.generation else { throw .illegalGeneration }
        return (group, member)
    }
}
