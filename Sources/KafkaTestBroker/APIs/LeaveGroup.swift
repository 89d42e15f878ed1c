/// `LeaveGroup`: members go. Version 3 names several at a time, also static ones.
enum LeaveGroup {
    struct Request: RequestBody {
        var groupID = ""
        var members: [Member] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID)
            if wire.format.version < 3 {
                var member = members.first ?? Member()
                wire(&member.id)
                members = [member]
            }
            wire(&members, 3...)
        }
    }

    struct Member: Message {
        var id = ""
        var instanceID: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&id, &instanceID)
            wire.unused("reason", String?.none, 5...)
        }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var members: [Answer] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            if let only = members.first, wire.format.version < 3 { error = only.error }
            wire(&error)
            wire(&members, 3...)
        }
    }

    struct Answer: Message {
        var id = ""
        var instanceID: String?
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) { wire(&id, &instanceID, &error) }
    }
}

extension Broker {
    func leaveGroup(
        _ request: LeaveGroup.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> LeaveGroup.Response {
        let group = groups.group(request.groupID, create: false)
        return LeaveGroup.Response(
            members: request.members.map {
                .init(id: $0.id, instanceID: $0.instanceID, error: leave($0, group))
            })
    }

    private func leave(_ leaving: LeaveGroup.Member, _ group: Group?) -> KafkaErrorCode {
        guard let group else { return .unknownMemberID }
        let instance = leaving.instanceID
        if let member = instance.map({ group.member(instance: $0) }) ?? group.member(leaving.id) {
            guard instance == nil || leaving.id.isEmpty || member.id == leaving.id else { return .fencedInstanceID }
            groups.leave(member, group)
        } else {
            guard instance == nil, group.arrived(leaving.id) else { return .unknownMemberID }
            groups.completeIfAllJoined(group)
        }
        return .none
    }
}
