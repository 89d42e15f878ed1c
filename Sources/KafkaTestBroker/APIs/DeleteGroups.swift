/// `DeleteGroups`: forgets groups without members, with their offsets.
enum DeleteGroups {
    struct Request: RequestBody {
        var groups: [String] = []

        mutating func fields(_ wire: inout Coder) { wire(&groups) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: ErrorAnswer {
        var id = ""
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) { wire(&id, &error) }
    }
}

extension Broker {
    func deleteGroups(_ request: DeleteGroups.Request, _ context: RequestContext) {
        let answers = request.groups.map { id in
            var answer = DeleteGroups.Answer.made { () throws(KafkaErrorCode) in
                try context.injectedError().check()
                try deleteGroup(id)
                return .init()
            }
            answer.id = id
            return answer
        }
        context.reply(DeleteGroups.Response(answers: answers))
    }

    private func deleteGroup(_ id: String) throws(KafkaErrorCode) {
        guard let group = groups.group(id, create: false) else { throw .groupIDNotFound }
        guard group.members.isEmpty, group.pendingOffsets.isEmpty else { throw .nonEmptyGroup }
        try storing("delete a group") {
            for partition in group.offsets.keys.sorted() { try groups.forget(partition, in: group) }
        }
        groups.remove(id)
    }
}
