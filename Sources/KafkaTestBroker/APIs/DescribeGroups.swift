import NIOCore

/// `DescribeGroups`: state and members of groups. Since version 6 a group that is not there is an error; before, it is dead.
enum DescribeGroups {
    struct Request: RequestBody {
        var groups: [String] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&groups)
            wire.unused("include_authorized_operations", false, 3...)
        }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var error = KafkaErrorCode.none
        var message: String?
        var id = ""
        var state = ""
        var protocolType = ""
        var protocolName = ""
        var members: [Member] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&error)
            wire(&message, 6...)
            wire(&id, &state)
            wire(&protocolType, &protocolName)
            wire(&members)
            wire.unused("authorized_operations", Int32.min, 3...)
        }
    }

    struct Member: Message {
        var id = ""
        var instanceID: String?
        var clientID = ""
        var clientHost = ""
        var metadata = ByteBuffer()
        var assignment = ByteBuffer()

        mutating func fields(_ wire: inout Coder) {
            wire(&id)
            wire(&instanceID, 4...)
            wire(&clientID, &clientHost)
            wire(&metadata, &assignment)
        }
    }
}

extension Broker {
    func describeGroups(_ request: DescribeGroups.Request, _ context: RequestContext) {
        let described = request.groups.map { id -> DescribeGroups.Answer in
            if let code = context.injectedError() { return .init(error: code, id: id) }
            if let group = groups.group(id, create: false) { return describe(group) }
            guard context.version >= 6 else { return .init(id: id, state: "Dead") }
            return .init(error: .groupIDNotFound, message: "Group \(id) not found.", id: id, state: "Dead")
        }
        context.reply(DescribeGroups.Response(answers: described))
    }

    private func describe(_ group: Group) -> DescribeGroups.Answer {
        .init(
            id: group.id, state: group.state.rawValue, protocolType: group.protocolType ?? "",
            protocolName: group.state == .stable ? group.protocolName ?? "" : "",
            members: group.members.map { member in
                .init(
                    id: member.id, instanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, metadata: member.metadata(for: group.protocolName),
                    assignment: member.assignment)
            })
    }
}
