/// `ListGroups`: all groups, from version 4 on only those in some states, from version 5 on of some types.
enum ListGroups {
    struct Request: RequestBody {
        var states: [String] = []
        var types: [String] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&states, 4...)
            wire(&types, 5...)
        }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var groups: [Answer] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, &groups)
        }
    }

    struct Answer: Message {
        var id = ""
        var protocolType = ""
        var state = ""

        mutating func fields(_ wire: inout Coder) {
            wire(&id, &protocolType)
            wire(&state, 4...)
            wire.unused("group_type", "classic", 5...)
        }
    }
}

extension Broker {
    func listGroups(
        _ request: ListGroups.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> ListGroups.Response {
        let states = request.states.map { $0.lowercased() }
        let types = request.types.map { $0.lowercased() }
        let listed = groups.groups.values.sorted { $0.id < $1.id }.filter { group in
            (states.isEmpty || states.contains(group.state.rawValue.lowercased()))
                && (types.isEmpty || types.contains("classic"))
        }
        return ListGroups.Response(
            groups: listed.map { .init(id: $0.id, protocolType: $0.protocolType ?? "", state: $0.state.rawValue) })
    }
}
