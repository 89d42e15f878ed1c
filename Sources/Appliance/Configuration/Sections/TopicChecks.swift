import KafkaBridge

/// What is wrong with the topics of consumers, told beforehand: each of these would halt segments, or mix dead letters with
/// events, only when the first such event comes.
struct TopicChecks {
    private let consumers: [ConsumerSection]

    /// A template, where it was given, and what its fields can be.
    private struct Use {
        let path: ConfigurationPath
        let template: TopicTemplate
        let known: [TopicTemplate.Field: [String]]
    }

    /// Topics of the brokers' own, which take no records of others.
    private static let ofBrokers: Set<String> = ["__consumer_offsets", "__transaction_state"]

    static func check(_ consumers: [ConsumerSection], _ values: inout ConfigurationValues) {
        let checks = TopicChecks(consumers: consumers)
        for consumer in consumers {
            checks.allowed(consumer, &values)
            checks.deadLetters(of: consumer, &values)
            checks.progress(of: consumer, &values)
            checks.names(of: consumer, &values)
        }
        checks.collisions(&values)
        checks.settings(&values)
    }

    private func uses(_ consumer: ConsumerSection) -> [Use] {
        var known: [TopicTemplate.Field: [String]] = [:]
        if !consumer.boundedContexts.isEmpty { known[.boundedContext] = consumer.boundedContexts }
        if !consumer.aggregateTypes.isEmpty { known[.aggregateType] = consumer.aggregateTypes }
        let main = consumer.topic.map { Use(path: path(consumer, "topic"), template: $0, known: known) }
        let others = consumer.topics.sorted { $0.key < $1.key }.map { type, template in
            Use(
                path: ConfigurationPath(path(consumer, "topics").words + [type]), template: template,
                known: known.merging([.eventType: [type]]) { $1 })
        }
        return (main.map { [$0] } ?? []) + others
    }

    private func path(_ consumer: ConsumerSection, _ key: String) -> ConfigurationPath {
        ConfigurationPath(["consumers", consumer.name, key])
    }

    private func allowed(_ consumer: ConsumerSection, _ values: inout ConfigurationValues) {
        let allowlist = consumer.topicsAllowed
        for pattern in allowlist.patterns where pattern.contains(where: { $0 != "*" && !TopicName.isLegal($0) }) {
            values.problem(
                path(consumer, "topics_allowed"), .patternUnused,
                "holds \"\(pattern)\", which no topic's name matches: they have letters, digits, `.`, `_` and `-`")
        }
        for use in uses(consumer) {
            if use.template.fields.isEmpty, let flaw = Self.flaw(ofName: use.template.description) {
                values.problem(use.path, .topic, flaw)
            } else if !TopicReach(use.template, known: use.known).meets(allowlist) {
                values.problem(
                    use.path, .topicNotAllowed,
                    "leads to no topic that \"topics_allowed\" has (\(allowlist.patterns.joined(separator: ", "))); "
                        + "every event would halt its segment")
            } else {
                partly(use, allowlist, &values)
            }
        }
    }

    /// The values that the scope names, and that make no topic's name whatever else the event is.
    private func names(of consumer: ConsumerSection, _ values: inout ConfigurationValues) {
        let scopes: [(TopicTemplate.Field, String, [String])] = [
            (.aggregateType, "aggregate_types", consumer.aggregateTypes),
            (.boundedContext, "bounded_contexts", consumer.boundedContexts),
        ]
        for (field, key, texts) in scopes {
            for text in texts {
                var seen: Set<String> = []
                for use in uses(consumer) where use.template.fields.contains(field) {
                    guard let flaw = Self.flaw(of: use.template, field, text), seen.insert(flaw).inserted else {
                        continue
                    }
                    values.problem(
                        path(consumer, key), .topic,
                        "holds \"\(text.prefix(40))\(text.count > 40 ? "…" : "")\", of which \(use.template) makes no topic: "
                            + "\(flaw); each such event would halt its segment")
                }
            }
        }
    }

    /// Why a template makes no topic of a value, with others that are as short as can be.
    private static func flaw(of template: TopicTemplate, _ field: TopicTemplate.Field, _ text: String) -> String? {
        func value(_ other: TopicTemplate.Field) -> String { other == field ? text : "x" }
        do throws(TopicNameError) {
            let fields = RouteFields(
                boundedContext: value(.boundedContext), aggregateType: value(.aggregateType),
                eventType: value(.eventType),
                eventVersion: 1)
            _ = try template.render(fields)
            return nil
        } catch {
            return error.description
        }
    }

    /// A topic is made once, by whichever consumer needs it first.
    private func settings(_ values: inout ConfigurationValues) {
        for (index, consumer) in consumers.enumerated() {
            for other in consumers[..<index] where other.topicSettings != consumer.topicSettings {
                guard let name = sharedTopic(consumer, other) ?? sharedTopic(other, consumer) else { continue }
                let isOwn = consumer.topicSettings != TopicSettingsSection()
                let (one, two) = isOwn ? (consumer, other) : (other, consumer)
                let place = path(one, "topic_settings")
                let first = values.properties(place).keys.min().map { ConfigurationPath(place.words + [$0]) }
                values.problem(
                    first ?? place, .conflict,
                    "is of the topic \(name), to which the consumer \(two.name) leads too, with other topic_settings; give "
                        + "both the same, or set \"kafka.topics.settings\"")
            }
        }
    }

    /// A topic of the first that the second surely has too.
    private func sharedTopic(_ first: ConsumerSection, _ second: ConsumerSection) -> TopicName? {
        (first.route?.fixedTopics ?? []).sorted { $0.description < $1.description }.first { name in
            uses(second).contains { use in
                let reach = TopicReach(use.template, known: use.known)
                return reach.isExact && reach.contains(name)
            }
        }
    }

    /// Topics whose names are certain, and that brokers take for one in their metrics.
    private func collisions(_ values: inout ConfigurationValues) {
        var known: [String: TopicName] = [:]
        for consumer in consumers {
            var names = uses(consumer).filter(\.template.fields.isEmpty).compactMap { use in
                (try? TopicName(sanitizing: use.template.description)).map { (use.path, $0) }
            }
            if case .deadLetterTopic(let name) = consumer.onPoison {
                names.append((path(consumer, "dead_letter_topic"), name))
            }
            for (path, name) in names {
                let other = known[name.metricName] ?? name
                known[name.metricName] = other
                guard other != name else { continue }
                values.problem(
                    path, .topicsCollide,
                    "is \(name), which differs from the topic \(other) in `.` and `_` only: brokers refuse to have both"
                )
            }
        }
    }

    /// Some of the values that the scope names lead elsewhere.
    private func partly(_ use: Use, _ allowlist: TopicAllowlist, _ values: inout ConfigurationValues) {
        for field in TopicTemplate.Field.allCases where use.template.fields.contains(field) {
            let refused = (use.known[field] ?? []).filter { value in
                !TopicReach(use.template, known: use.known.merging([field: [value]]) { $1 }).meets(allowlist)
            }
            guard !refused.isEmpty else { continue }
            values.problem(
                use.path, .topicPartlyNotAllowed,
                "leads to no topic that \"topics_allowed\" has where \(field.rawValue) is \(refused.joined(separator: ", ")); "
                    + "such events would halt their segments")
        }
    }

    /// Records without their events' meaning do not belong among events: a reader would take them for some.
    private func deadLetters(of consumer: ConsumerSection, _ values: inout ConfigurationValues) {
        guard case .deadLetterTopic(let name) = consumer.onPoison else { return }
        let place = path(consumer, "dead_letter_topic")
        if let flaw = Self.flaw(ofName: name.description) { values.problem(place, .deadLetterTopic, flaw) }
        for other in consumers where other.topicsAllowed.allows(name) {
            for use in uses(other) {
                let reach = TopicReach(use.template, known: use.known)
                guard reach.contains(name) else { continue }
                let owner =
                    other.name == consumer.name ? "the consumer's own topic" : "a topic of the consumer \(other.name)"
                if reach.isExact {
                    values.problem(
                        place, .deadLetterTopic,
                        "is \(owner) too, by \"\(use.path)\"; give the dead letters a topic of their own")
                } else {
                    values.problem(
                        place, .deadLettersMixed,
                        "can be \(owner) too, by \"\(use.path)\" (\(use.template)); bound that by \"topics_allowed\"")
                }
            }
        }
    }

    /// A progress topic belongs to one consumer alone: another's open transaction would hide its progress, and readers of
    /// events would take progress for some.
    private func progress(of consumer: ConsumerSection, _ values: inout ConfigurationValues) {
        guard case .exactlyOnce(let name) = consumer.delivery else { return }
        let given = path(consumer, "progress_topic")
        let place = values.isGiven(given) ? given : path(consumer, "delivery")
        if let flaw = Self.flaw(ofName: name.description) { values.problem(place, .progressTopic, flaw) }
        for other in consumers {
            if other.name < consumer.name, other.delivery == consumer.delivery {
                values.problem(
                    place, .progressTopic,
                    "leads to the topic \(name), as the consumer \(other.name) does; give each its own")
            }
            for use in uses(other) {
                let reach = TopicReach(use.template, known: use.known)
                guard reach.isExact, reach.contains(name) else { continue }
                values.problem(
                    place, .progressTopic,
                    "leads to \(name), which is a topic of events too, by \"\(use.path)\"; give the progress its own")
            }
        }
    }

    private static func flaw(ofName text: String) -> String? {
        do throws(TopicNameError) {
            let name = try TopicName(sanitizing: text)
            return ofBrokers.contains(name.description) ? "is a topic of the brokers' own; choose another name" : nil
        } catch {
            return "cannot be used: \(error)"
        }
    }
}
