import NIOCore

extension Broker {
    func joinGroup(_ request: JoinGroupRequest, _ context: RequestContext) {
        let answer = { (membership: GroupMembership) in
            context.reply(
                JoinGroupResponse(
                    errorCode: membership.error, generationID: membership.generation,
                    protocolType: membership.protocolType,
                    protocolName: membership.protocolName ?? (context.version < 7 ? "" : nil),
                    leader: membership.leader, skipAssignment: membership.skipAssignment,
                    memberID: membership.memberID,
                    members: membership.members.map {
                        .init(memberID: $0.id, groupInstanceID: $0.instanceID, metadata: $0.metadata)
                    }))
        }
        func refuse(_ code: KafkaErrorCode) { answer(GroupMembership(error: code, memberID: request.memberID)) }
        if let code = context.injectedError() { return refuse(code) }
        guard !request.groupID.isEmpty else { return refuse(.invalidGroupID) }
        guard GroupCoordinator.sessionTimeouts.contains(request.sessionTimeoutMilliseconds) else {
            return refuse(.invalidSessionTimeout)
        }
        guard let group = groups.group(request.groupID, create: request.memberID.isEmpty) else {
            return refuse(.unknownMemberID)
        }
        let protocols = request.protocols.map { (name: $0.name, metadata: $0.metadata) }
        guard group.accepts(request.protocolType, protocols, except: request.memberID) else {
            return refuse(.inconsistentGroupProtocol)
        }
        if let member = group.member(request.memberID) {
            if let instance = request.groupInstanceID, member.instanceID != instance {
                return refuse(.fencedInstanceID)
            }
            return rejoin(member, protocols, request, group, answer)
        }
        if let instance = request.groupInstanceID, let former = group.member(instance: instance) {
            guard request.memberID.isEmpty else { return refuse(.fencedInstanceID) }
            return comeBack(as: former, protocols, request, context, group, answer)
        }
        if request.memberID.isEmpty {
            if request.groupInstanceID == nil && context.version >= 4 {
                let id = groups.newMemberID(context.header.clientID ?? "client")
                let timer = groups.after(Int64(request.sessionTimeoutMilliseconds)) { [weak self, weak group] in
                    guard let self, let group, group.arrived(id) else { return }
                    self.groups.completeIfAllJoined(group)
                }
                group.expect(id, timer: timer)
                return answer(GroupMembership(error: .memberIDRequired, memberID: id))
            }
        } else if !group.arrived(request.memberID) {
            return refuse(.unknownMemberID)
        }
        let member = newMember(request, protocols, context)
        member.join = answer
        if group.members.isEmpty { group.protocolType = request.protocolType }
        group.add(member)
        groups.touch(member, in: group)
        if group.state == .preparingRebalance {
            groups.completeIfAllJoined(group)
        } else {
            groups.prepareRebalance(group)
        }
    }

    private func newMember(
        _ request: JoinGroupRequest, _ protocols: [(name: String, metadata: ByteBuffer)], _ context: RequestContext
    ) -> GroupMember {
        let prefix = request.groupInstanceID ?? context.header.clientID ?? "client"
        return GroupMember(
            id: request.memberID.isEmpty ? groups.newMemberID(prefix) : request.memberID,
            instanceID: request.groupInstanceID, clientID: context.header.clientID ?? "",
            clientHost: "/\(context.connection.clientHost)",
            sessionTimeout: Int64(request.sessionTimeoutMilliseconds),
            rebalanceTimeout: Self.rebalanceTimeout(request), protocols: protocols)
    }

    private static func rebalanceTimeout(_ request: JoinGroupRequest) -> Int64 {
        // Version 0 has no timeout of its own for rebalances.
        let timeout = request.rebalanceTimeoutMilliseconds
        return Int64(timeout < 0 ? request.sessionTimeoutMilliseconds : timeout)
    }

    private func rejoin(
        _ member: GroupMember, _ protocols: [(name: String, metadata: ByteBuffer)], _ request: JoinGroupRequest,
        _ group: Group, _ answer: @escaping (GroupMembership) -> Void
    ) {
        groups.touch(member, in: group)
        let isUnchanged = member.hasSameProtocols(protocols)
        // The member may have missed the answer: the generation stands.
        if isUnchanged && group.state == .completingRebalance { return answer(group.membership(of: member)) }
        if isUnchanged && group.state == .stable && member.id != group.leader {
            return answer(group.membership(of: member))
        }
        member.protocols = protocols
        member.sessionTimeout = Int64(request.sessionTimeoutMilliseconds)
        member.rebalanceTimeout = Self.rebalanceTimeout(request)
        member.join = answer
        if group.state == .preparingRebalance {
            groups.completeIfAllJoined(group)
        } else {
            groups.prepareRebalance(group)
        }
    }

    /// A static member has restarted: it takes its former self's place, without a rebalance if nothing changes.
    private func comeBack(
        as former: GroupMember, _ protocols: [(name: String, metadata: ByteBuffer)], _ request: JoinGroupRequest,
        _ context: RequestContext, _ group: Group, _ answer: @escaping (GroupMembership) -> Void
    ) {
        let isUnchanged = former.hasSameProtocols(protocols)
        let wasLeader = group.leader == former.id
        let member = newMember(request, protocols, context)
        group.replace(former, with: member)
        groups.touch(member, in: group)
        if isUnchanged && group.state == .stable {
            var membership = group.membership(of: member)
            if wasLeader {
                // The leader must not assign anew: newer clients are told so, older ones are told of another leader.
                membership.skipAssignment = context.version >= 9
                if context.version < 9 {
                    membership.leader = former.id
                    membership.members = []
                }
            }
            return answer(membership)
        }
        member.join = answer
        if group.state == .preparingRebalance {
            groups.completeIfAllJoined(group)
        } else {
            groups.prepareRebalance(group)
        }
    }

    func syncGroup(_ request: SyncGroupRequest, _ context: RequestContext) {
        let group = groups.group(request.groupID, create: false)
        let answer = { (code: KafkaErrorCode, assignment: ByteBuffer) in
            context.reply(
                SyncGroupResponse(
                    errorCode: code, protocolType: code == .none ? group?.protocolType : nil,
                    protocolName: code == .none ? group?.protocolName : nil, assignment: assignment))
        }
        let error =
            context.injectedError()
            ?? memberError(group, request.memberID, request.groupInstanceID, generation: request.generationID)
        guard error == .none, let group, let member = group.member(request.memberID) else {
            return answer(error == .none ? .unknownMemberID : error, ByteBuffer())
        }
        if let type = request.protocolType, type != group.protocolType {
            return answer(.inconsistentGroupProtocol, ByteBuffer())
        }
        if let name = request.protocolName, name != group.protocolName {
            return answer(.inconsistentGroupProtocol, ByteBuffer())
        }
        switch group.state {
        case .empty, .dead: answer(.unknownMemberID, ByteBuffer())
        case .preparingRebalance: answer(.rebalanceInProgress, ByteBuffer())
        case .stable:
            groups.touch(member, in: group)
            answer(.none, member.assignment)
        case .completingRebalance:
            groups.touch(member, in: group)
            member.sync = answer
            guard member.id == group.leader else { return }
            var assignments: [String: ByteBuffer] = [:]
            for item in request.assignments { assignments[item.memberID] = item.assignment }
            groups.assign(assignments, in: group)
        }
    }

    func heartbeat(_ request: HeartbeatRequest, _ context: RequestContext) {
        let group = groups.group(request.groupID, create: false)
        var error =
            context.injectedError()
            ?? memberError(group, request.memberID, request.groupInstanceID, generation: request.generationID)
        if error == .none, let group, let member = group.member(request.memberID) {
            groups.touch(member, in: group)
            if group.state == .preparingRebalance { error = .rebalanceInProgress }
        }
        context.reply(HeartbeatResponse(errorCode: error))
    }

    /// Why a member's request cannot be taken, if it cannot.
    func memberError(_ group: Group?, _ id: String, _ instance: String?, generation: Int32) -> KafkaErrorCode {
        guard let group else { return .unknownMemberID }
        if let instance {
            guard let member = group.member(instance: instance) else { return .unknownMemberID }
            guard member.id == id else { return .fencedInstanceID }
        }
        guard group.member(id) != nil else { return .unknownMemberID }
        return generation == group.generation ? .none : .illegalGeneration
    }

    func leaveGroup(_ request: LeaveGroupRequest, _ context: RequestContext) {
        if let code = context.injectedError() { return context.reply(LeaveGroupResponse(errorCode: code)) }
        let leaving =
            context.version >= 3
            ? request.members.map { (id: $0.memberID, instance: $0.groupInstanceID) }
            : [(id: request.memberID, instance: nil)]
        let group = groups.group(request.groupID, create: false)
        let results = leaving.map { leave($0.id, $0.instance, group) }
        if context.version >= 3 {
            context.reply(
                LeaveGroupResponse(
                    members: zip(leaving, results).map {
                        .init(memberID: $0.id, groupInstanceID: $0.instance, errorCode: $1)
                    }))
        } else {
            context.reply(LeaveGroupResponse(errorCode: results.first ?? .none))
        }
    }

    private func leave(_ id: String, _ instance: String?, _ group: Group?) -> KafkaErrorCode {
        guard let group else { return .unknownMemberID }
        if let instance {
            guard let member = group.member(instance: instance) else { return .unknownMemberID }
            guard id.isEmpty || member.id == id else { return .fencedInstanceID }
            groups.leave(member, group)
            return .none
        }
        if let member = group.member(id) {
            groups.leave(member, group)
            return .none
        }
        guard group.arrived(id) else { return .unknownMemberID }
        groups.completeIfAllJoined(group)
        return .none
    }
}
