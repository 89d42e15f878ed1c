/// `AlterConfigs`: puts other settings in the place of all that a topic has.
enum AlterConfigs {
    struct Request: RequestBody {
        var resources: [Wanted<CreateTopics.Setting>] = []
        var validateOnly = false

        mutating func fields(_ wire: inout Coder) { wire(&resources, &validateOnly) }
    }

    struct Wanted<Change: Message>: Message {
        var resource = ConfigResource()
        var changes: [Change] = []

        mutating func fields(_ wire: inout Coder) { wire(&resource, &changes) }
    }

    typealias Response = ListResponse<ConfigOutcome>
}

/// `IncrementalAlterConfigs`: changes settings of topics one by one.
enum IncrementalAlterConfigs {
    struct Request: RequestBody {
        var resources: [AlterConfigs.Wanted<Change>] = []
        var validateOnly = false

        mutating func fields(_ wire: inout Coder) { wire(&resources, &validateOnly) }
    }

    struct Change: Message {
        static let set: Int8 = 0
        static let delete: Int8 = 1
        /// For settings that are lists.
        static let append: Int8 = 2
        static let subtract: Int8 = 3

        var name = ""
        var operation = Self.set
        var value: String?

        mutating func fields(_ wire: inout Coder) { wire(&name, &operation, &value) }
    }
}

extension Broker {
    func alterConfigs(_ request: AlterConfigs.Request, _ context: RequestContext) {
        let outcomes = request.resources.map { wanted in
            let changes = wanted.changes.map { IncrementalAlterConfigs.Change(name: $0.name, value: $0.value) }
            return alter(wanted.resource, changes, replacesAll: true, validateOnly: request.validateOnly, context)
        }
        context.reply(AlterConfigs.Response(answers: outcomes))
    }

    func incrementalAlterConfigs(_ request: IncrementalAlterConfigs.Request, _ context: RequestContext) {
        let outcomes = request.resources.map {
            alter($0.resource, $0.changes, replacesAll: false, validateOnly: request.validateOnly, context)
        }
        context.reply(AlterConfigs.Response(answers: outcomes))
    }

    private func alter(
        _ resource: ConfigResource, _ changes: [IncrementalAlterConfigs.Change], replacesAll: Bool,
        validateOnly: Bool, _ context: RequestContext
    ) -> ConfigOutcome {
        var outcome = ConfigOutcome(resource: resource)
        do throws(Refusal) {
            try context.checkFault(topic: resource.name)
            guard resource.type == ConfigResource.topic else {
                throw Refusal(.invalidRequest, "Only the settings of topics can be changed")
            }
            guard let topic = topics[resource.name] else {
                throw Refusal(.unknownTopicOrPartition, "There is no topic '\(resource.name)'")
            }
            let settings = try altered(topic.settings, by: changes, replacesAll: replacesAll)
            if validateOnly { return outcome }
            topic.settings = settings
            guard save(topic) else { throw Refusal(.kafkaStorageError, "The settings cannot be stored") }
        } catch {
            (outcome.error, outcome.message) = (error.code, error.message)
        }
        return outcome
    }

    private func altered(
        _ present: TopicSettings, by changes: [IncrementalAlterConfigs.Change], replacesAll: Bool
    ) throws(Refusal) -> TopicSettings {
        typealias Change = IncrementalAlterConfigs.Change
        var values = replacesAll ? [:] : present.overrides
        for change in changes {
            switch (change.operation, change.value) {
            case (Change.set, let value?): values[change.name] = value
            case (Change.delete, _), (Change.set, nil): values[change.name] = nil
            case (Change.append, let value?), (Change.subtract, let value?):
                let list = values[change.name] ?? present.described.first { $0.name == change.name }?.value
                var items = (list ?? "").split(separator: ",").map(String.init).filter { $0 != value }
                if change.operation == Change.append { items.append(value) }
                values[change.name] = items.joined(separator: ",")
            default: throw Refusal(.invalidRequest, "The change of \(change.name) is not understood")
            }
        }
        var settings = defaultSettings
        for (name, value) in values { try settings.change(name, to: value) }
        return settings
    }
}

extension TopicSettings {
    /// Sets one value, or says why not.
    mutating func change(_ name: String, to value: String) throws(Refusal) {
        guard set(name, value) else { throw Refusal(.invalidConfig, "\(name) is unknown or cannot be '\(value)'") }
    }
}
