/// `DescribeConfigs`: the settings of topics and nodes. Version 1 says where a value comes from, 3 knows types and documentation.
enum DescribeConfigs {
    struct Request: RequestBody {
        var resources: [Wanted] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&resources)
            wire.unused("include_synonyms", false, 1...)
            wire.unused("include_documentation", false, 3...)
        }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            resources.map { .init(topic: $0.resource.name, partition: -1) }
        }
    }

    struct Wanted: Message {
        var resource = ConfigResource()
        /// Nil for all.
        var names: [String]?

        mutating func fields(_ wire: inout Coder) { wire(&resource, &names) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var outcome = ConfigOutcome()
        var settings: [Setting] = []

        mutating func fields(_ wire: inout Coder) {
            outcome.fields(&wire)
            wire(&settings)
        }
    }

    struct Setting: Message {
        var name = ""
        var value: String?
        var isReadOnly = false
        var source = SettingSource.byDefault

        mutating func fields(_ wire: inout Coder) {
            wire(&name, &value, &isReadOnly)
            wire(&source, 1...)
            wire.unused("is_default", source == .byDefault, ...0)
            wire.unused("is_sensitive", false)
            wire.unused("synonyms", [Int8](), 1...)
            wire.unused("config_type", Int8(0), 3...)
            wire.unused("documentation", String?.none, 3...)
        }
    }
}

/// What settings belong to.
struct ConfigResource: Field {
    static let topic: Int8 = 2
    static let node: Int8 = 4

    var type: Int8 = 0
    var name = ""

    mutating func code(_ wire: inout Coder) { wire(&type, &name) }
}

/// Where a setting's value comes from.
enum SettingSource: Int8, Field {
    case topic = 1
    case node = 4
    case byDefault = 5

    init() { self = .byDefault }

    mutating func code(_ wire: inout Coder) {
        var number = rawValue
        wire(&number)
        self = SettingSource(rawValue: number) ?? .byDefault
    }
}

/// How it went with a resource.
struct ConfigOutcome: Message {
    var error = KafkaErrorCode.none
    var message: String?
    var resource = ConfigResource()

    mutating func fields(_ wire: inout Coder) { wire(&error, &message, &resource) }
}

extension Broker {
    func describeConfigs(_ request: DescribeConfigs.Request, _ context: RequestContext) {
        let answers = request.resources.map { wanted in
            var answer = DescribeConfigs.Answer(outcome: .init(resource: wanted.resource))
            do throws(Refusal) {
                try context.checkFault(topic: wanted.resource.name)
                answer.settings = try settings(of: wanted.resource).filter { setting in
                    wanted.names?.contains(setting.name) ?? true
                }
            } catch {
                (answer.outcome.error, answer.outcome.message) = (error.code, error.message)
            }
            return answer
        }
        context.reply(DescribeConfigs.Response(answers: answers))
    }

    private func settings(of resource: ConfigResource) throws(Refusal) -> [DescribeConfigs.Setting] {
        switch resource.type {
        case ConfigResource.topic:
            guard Topic.isValidName(resource.name) else {
                throw Refusal(.invalidTopic, "The topic name is not allowed")
            }
            guard let settings = topics[resource.name]?.settings else {
                throw Refusal(.unknownTopicOrPartition, "There is no topic '\(resource.name)'")
            }
            return settings.described.map { name, value in
                .init(name: name, value: value, source: settings.overrides[name] == nil ? .byDefault : .topic)
            }
        case ConfigResource.node:
            guard let node = Int(resource.name), (1...endpoints.count).contains(node) else {
                throw Refusal(.invalidRequest, "There is no broker '\(resource.name)'")
            }
            return nodeSettings(node).map { .init(name: $0, value: $1, isReadOnly: true, source: .node) }
        default: throw Refusal(.invalidRequest, "Only topics and brokers have settings here")
        }
    }

    private func nodeSettings(_ node: Int) -> [(String, String)] {
        let values: [(String, any CustomStringConvertible)] = [
            ("auto.create.topics.enable", configuration.autoCreateTopics),
            ("default.replication.factor", endpoints.count),
            ("group.initial.rebalance.delay.ms", configuration.initialRebalanceDelayMilliseconds),
            ("log.retention.bytes", configuration.retentionBytes),
            ("message.max.bytes", configuration.maxMessageBytes),
            ("node.id", node),
            ("num.partitions", configuration.defaultPartitions),
            ("producer.id.expiration.ms", configuration.producerExpirationMilliseconds),
            (
                "transaction.abort.timed.out.transaction.cleanup.interval.ms",
                configuration.transactionCheckInterval.milliseconds
            ),
            ("transaction.max.timeout.ms", configuration.maxTransactionTimeoutMilliseconds),
            ("transaction.state.log.min.isr", configuration.transactionStateInsyncReplicas),
            ("transaction.state.log.num.partitions", configuration.transactionStatePartitions),
            ("transaction.state.log.replication.factor", configuration.transactionStateReplicas),
        ]
        return values.map { ($0, String(describing: $1)) }
    }
}
