extension Broker {
    /// Numbers of the protocol for what a setting belongs to, and where its value comes from.
    private enum Resource {
        static let topic: Int8 = 2
        static let broker: Int8 = 4
        static let fromTopic: Int8 = 1
        static let fromBroker: Int8 = 4
        static let byDefault: Int8 = 5
    }

    func describeConfigs(_ request: DescribeConfigsRequest, _ context: RequestContext) {
        context.reply(
            DescribeConfigsResponse(
                results: request.resources.map { resource in
                    var result = describe(resource, context)
                    result.resourceType = resource.resourceType
                    result.resourceName = resource.resourceName
                    if let keys = resource.configurationKeys {
                        result.configs.removeAll { !keys.contains($0.name) }
                    }
                    return result
                }))
    }

    private func describe(
        _ resource: DescribeConfigsRequest.Resource, _ context: RequestContext
    ) -> DescribeConfigsResponse.Result {
        if let code = context.injectedError(.init(topic: resource.resourceName, partition: -1)) {
            return .init(errorCode: code)
        }
        switch resource.resourceType {
        case Resource.topic:
            guard Topic.isValidName(resource.resourceName) else { return .init(errorCode: .invalidTopic) }
            guard let settings = topics[resource.resourceName]?.settings else {
                return .init(errorCode: .unknownTopicOrPartition)
            }
            return .init(
                configs: settings.described.map { item in
                    let isSet = settings.overrides[item.name] != nil
                    return .init(
                        name: item.name, value: item.value,
                        configSource: isSet ? Resource.fromTopic : Resource.byDefault,
                        isDefault: !isSet)
                })
        case Resource.broker:
            guard let node = Int(resource.resourceName), (1...endpoints.count).contains(node) else {
                return .init(errorCode: .invalidRequest, errorMessage: "There is no broker '\(resource.resourceName)'")
            }
            return .init(
                configs: brokerSettings(node).map {
                    .init(name: $0, value: $1, readOnly: true, configSource: Resource.fromBroker)
                })
        default:
            return .init(errorCode: .invalidRequest, errorMessage: "Only topics and brokers have settings here")
        }
    }

    private func brokerSettings(_ node: Int) -> [(String, String)] {
        [
            ("auto.create.topics.enable", String(configuration.autoCreateTopics)),
            ("default.replication.factor", String(endpoints.count)),
            ("group.initial.rebalance.delay.ms", String(configuration.initialRebalanceDelayMilliseconds)),
            ("log.retention.bytes", String(configuration.retentionBytes)),
            ("message.max.bytes", String(configuration.maxMessageBytes)),
            ("node.id", String(node)),
            ("num.partitions", String(configuration.defaultPartitions)),
            ("producer.id.expiration.ms", String(configuration.producerExpirationMilliseconds)),
            (
                "transaction.abort.timed.out.transaction.cleanup.interval.ms",
                String(configuration.transactionCheckInterval.milliseconds)
            ),
            ("transaction.max.timeout.ms", String(configuration.maxTransactionTimeoutMilliseconds)),
            ("transaction.state.log.min.isr", String(configuration.transactionStateInsyncReplicas)),
            ("transaction.state.log.num.partitions", String(configuration.transactionStatePartitions)),
            ("transaction.state.log.replication.factor", String(configuration.transactionStateReplicas)),
        ]
    }

    func alterConfigs(_ request: AlterConfigsRequest, _ context: RequestContext) {
        context.reply(
            AlterConfigsResponse(
                responses: request.resources.map { resource in
                    let changes = resource.configs.map { Change(name: $0.name, operation: 0, value: $0.value) }
                    let refusal = alter(
                        resource.resourceType, resource.resourceName, changes, replacesAll: true,
                        validateOnly: request.validateOnly, context)
                    return .init(
                        errorCode: refusal?.code ?? .none, errorMessage: refusal?.message,
                        resourceType: resource.resourceType, resourceName: resource.resourceName)
                }))
    }

    func incrementalAlterConfigs(_ request: IncrementalAlterConfigsRequest, _ context: RequestContext) {
        context.reply(
            IncrementalAlterConfigsResponse(
                responses: request.resources.map { resource in
                    let changes = resource.configs.map {
                        Change(name: $0.name, operation: $0.configOperation, value: $0.value)
                    }
                    let refusal = alter(
                        resource.resourceType, resource.resourceName, changes, replacesAll: false,
                        validateOnly: request.validateOnly, context)
                    return .init(
                        errorCode: refusal?.code ?? .none, errorMessage: refusal?.message,
                        resourceType: resource.resourceType, resourceName: resource.resourceName)
                }))
    }

    /// One change of a setting: 0 sets, 1 deletes, 2 appends to a list, 3 takes out of a list.
    private struct Change {
        let name: String
        let operation: Int8
        let value: String?
    }

    private func alter(
        _ type: Int8, _ name: String, _ changes: [Change], replacesAll: Bool, validateOnly: Bool,
        _ context: RequestContext
    ) -> Refused? {
        if let code = context.injectedError(.init(topic: name, partition: -1)) {
            return Refused(code, "a fault refuses the request")
        }
        guard type == Resource.topic else {
            return Refused(.invalidRequest, "Only the settings of topics can be changed")
        }
        guard let topic = topics[name] else { return Refused(.unknownTopicOrPartition, "There is no topic '\(name)'") }
        var values = replacesAll ? [:] : topic.settings.overrides
        for change in changes {
            switch (change.operation, change.value) {
            case (0, let value?): values[change.name] = value
            case (1, _), (0, nil): values[change.name] = nil
            case (2, let value?), (3, let value?):
                let present = values[change.name] ?? topic.settings.described.first { $0.name == change.name }?.value
                var items = (present ?? "").split(separator: ",").map(String.init).filter { $0 != value }
                if change.operation == 2 { items.append(value) }
                values[change.name] = items.joined(separator: ",")
            default: return Refused(.invalidRequest, "The change of \(change.name) is not understood")
            }
        }
        var settings = defaultSettings
        for (key, value) in values where !settings.set(key, value) {
            return Refused(.invalidConfig, "\(key) is unknown or cannot be '\(value)'")
        }
        if validateOnly { return nil }
        topic.settings = settings
        return save(topic) ? nil : Refused(.kafkaStorageError, "The settings cannot be stored")
    }
}
