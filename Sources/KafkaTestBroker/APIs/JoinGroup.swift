import NIOCore

/// `JoinGroup`: a member joins its group, and is answered when the next generation begins.
///
/// Version 1 has a timeout of its own for rebalances, 4 makes a new member come back with the id it got, 5 knows static members,
/// 9 asks a static leader that has come back not to assign anew.
enum JoinGroup {
    struct Request: RequestBody {
        var groupID = ""
        var sessionTimeout: Int32 = 0
        var rebalanceTimeout: Int32 = -1
        var memberID = ""
        var instanceID: String?
        var protocolType = ""
        var protocols: [MemberProtocol] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID, &sessionTimeout)
            wire(&rebalanceTimeout, 1...)
            wire(&memberID)
            wire(&instanceID, 5...)
            wire(&protocolType, &protocols)
            wire.unused("reason", String?.none, 8...)
        }
    }

    /// What a member learns when it has joined, or why it has not.
    struct Response: Message {
        var error = KafkaErrorCode.none
        var generation: Int32 = -1
        var protocolType: String?
        var protocolName: String?
        var leader = ""
        var skipsAssignment = false
        var memberID = ""
        var members: [Member] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, &generation)
            wire(&protocolType, 7...)
            if protocolName == nil, wire.format.version < 7 { protocolName = "" }
            wire(&protocolName, &leader)
            wire(&skipsAssignment, 9...)
            wire(&memberID, &members)
        }
    }

    struct Member: Message {
        var id = ""
        var instanceID: String?
        var metadata = ByteBuffer()

        mutating func fields(_ wire: inout Coder) {
            wire(&id)
            wire(&instanceID, 5...)
            wire(&metadata)
        }
    }
}

/// A protocol that a member offers for sharing the partitions.
struct MemberProtocol: Message, Equatable {
    var name = ""
    var metadata = ByteBuffer()

    mutating func fields(_ wire: inout Coder) { wire(&name, &metadata) }
}

extension Broker {
    func joinGroup(_ request: JoinGroup.Request, _ context: RequestContext) {
        let answer = { (response: JoinGroup.Response) in context.reply(response) }
        do throws(KafkaErrorCode) {
            try context.injectedError().check()
            guard !request.groupID.isEmpty else { throw .invalidGroupID }
            guard GroupCoordinator.sessionTimeouts.contains(request.sessionTimeout) else {
                throw .invalidSessionTimeout
            }
            guard let group = groups.group(request.groupID, create: request.memberID.isEmpty) else {
                throw .unknownMemberID
            }
            guard group.accepts(request.protocolType, request.protocols, except: request.memberID) else {
                throw .inconsistentGroupProtocol
            }
            try join(group, request, context, answer)
        } catch {
            answer(JoinGroup.Response(error: error, memberID: request.memberID))
        }
    }

    private func join(
        _ group: Group, _ request: JoinGroup.Request, _ context: RequestContext,
        _ answer: @escaping (JoinGroup.Response) -> Void
    ) throws(KafkaErrorCode) {
        if let member = group.member(request.memberID) {
            if let instance = request.instanceID, member.instanceID != instance { throw .fencedInstanceID }
            return rejoin(member, group, request, answer)
        }
        if let instance = request.instanceID, let former = group.member(instance: instance) {
            guard request.memberID.isEmpty else { throw .fencedInstanceID }
            return comeBack(as: former, group, request, context, answer)
        }
        if request.memberID.isEmpty {
            if request.instanceID == nil && context.version >= 4 {
                let id = groups.newMemberID(context.header.clientID ?? "client")
                groups.expect(id, in: group, for: Int64(request.sessionTimeout))
                return answer(JoinGroup.Response(error: .memberIDRequired, memberID: id))
            }
        } else if !group.arrived(request.memberID) {
            throw .unknownMemberID
        }
        let member = newMember(request, context)
        member.join = answer
        if group.members.isEmpty { group.protocolType = request.protocolType }
        group.add(member)
        groups.touch(member, in: group)
        groups.memberChanged(in: group)
    }

    private func newMember(_ request: JoinGroup.Request, _ context: RequestContext) -> GroupMember {
        let prefix = request.instanceID ?? context.header.clientID ?? "client"
        let id = request.memberID.isEmpty ? groups.newMemberID(prefix) : request.memberID
        return GroupMember(
            id: id, clientID: context.header.clientID ?? "", clientHost: "/\(context.connection.clientHost)", request)
    }

    private func rejoin(
        _ member: GroupMember, _ group: Group, _ request: JoinGroup.Request,
        _ answer: @escaping (JoinGroup.Response) -> Void
    ) {
        groups.touch(member, in: group)
        // The member may have missed the answer: then the generation holds.
        let holds = group.state == .completingRebalance || (group.state == .stable && member.id != group.leader)
        if holds && member.protocols == request.protocols { return answer(group.membership(of: member)) }
        member.take(request)
        member.join = answer
        groups.memberChanged(in: group)
    }

    /// A static member has restarted: it takes its former self's place, without a rebalance if nothing changes.
    private func comeBack(
        as former: GroupMember, _ group: Group, _ request: JoinGroup.Request, _ context: RequestContext,
        _ answer: @escaping (JoinGroup.Response) -> Void
    ) {
        let wasLeader = group.leader == former.id
        let member = newMember(request, context)
        group.replace(former, with: member)
        groups.touch(member, in: group)
        guard former.protocols == request.protocols, group.state == .stable else {
            member.join = answer
            return groups.memberChanged(in: group)
        }
        var membership = group.membership(of: member)
        if wasLeader {
            // The leader must not assign anew: newer clients are told so, older ones are told of another leader.
            membership.skipsAssignment = context.version >= 9
            if context.version < 9 {
                membership.leader = former.id
                membership.members = []
            }
        }
        answer(membership)
    }
}
