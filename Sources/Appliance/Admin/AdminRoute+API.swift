/// What the description of the API says of each route.
extension AdminRoute {
    struct Parameter: Sendable {
        let name: String
        let meaning: String
        var schema: JSONValue = ["type": "string"]
    }

    var summary: String {
        switch self {
        case .health: "Whether the process lives"
        case .ready: "Whether the process can do its work"
        case .metrics: "Metrics in Prometheus' text format"
        case .apiDescription: "This description"
        case .apiStatus: "How the process and all consumers are doing, with what is the matter"
        case .apiJobs: "All jobs, the newest first"
        case .apiJob: "One job, with its runs"
        case .apiEvents: "Events by position, id, aggregate, type, context or time, the newest first"
        case .apiEvent: "One event: payload, metadata, and what became of it with each consumer"
        case .apiParked: "Parked events, with their reasons and remedies, by consumer and position"
        case .apiProcesses: "The processes that serve consumers"
        case .apiCompleteness: "What audits found of what was committed, by consumer"
        case .apiAudit: "Who changed what, the newest first"
        case .logLevel: "Sets the log's level of this process"
        case .makeJob:
            "Makes a job that publishes events again, or counts its events; the same request a second time makes none"
        case .stopJob: "Stops a job, which can be resumed"
        case .resumeJob: "Resumes a job that was stopped or has failed"
        case .cancelJob: "Ends a job for good"
        case .repeatJob: "Makes a job like one that has ended"
        case .pause: "Pauses a consumer in all processes"
        case .resume: "Resumes a consumer"
        case .rate: "Bounds a consumer's events per second over all processes"
        case .rateOff: "Lifts a consumer's bound"
        case .redrive: "Has the aggregate of a parked event delivered again, in order"
        case .discard: "Decides that a parked event is not to be delivered"
        case .redriveSeveral: "Has several parked events, those of an aggregate, or all of a consumer delivered again"
        case .discardSeveral: "Discards several parked events, those of an aggregate, or all of a consumer"
        case .parkSeveral: "Parks events that segments halt at, so that the segments go on"
        default: "A page"
        }
    }

    var queryParameters: [Parameter] {
        let source = Parameter(name: "source", meaning: "The source's name, where there are several; else the first")
        func limit(_ most: Int) -> Parameter {
            Parameter(
                name: "limit", meaning: "So many at most",
                schema: ["type": "integer", "minimum": 1, "maximum": .number(most)])
        }
        switch self {
        case .apiEvents:
            return [
                source, Parameter(name: "id", meaning: "A position, or an event's id"),
                Parameter(name: "aggregate", meaning: "An aggregate's id"),
                Parameter(name: "type", meaning: "Event types, separated by commas"),
                Parameter(name: "context", meaning: "Bounded contexts, separated by commas"),
                Parameter(name: "since", meaning: "The first time that counts: \(TimeText.forms)"),
                Parameter(name: "until", meaning: "The first time that does not count any more"),
                Parameter(
                    name: "before", meaning: "Events before this position, as `before` of an answer has it",
                    schema: ["type": "integer", "format": "int64", "minimum": 1]), limit(EventSearch.most),
            ]
        case .apiEvent: return [source]
        case .apiParked:
            return [
                source, Parameter(name: "consumer", meaning: "Only of this consumer"),
                Parameter(name: "aggregate", meaning: "Only of this aggregate's id"),
                Parameter(
                    name: "state", meaning: "Only in this state",
                    schema: ["type": "string", "enum": ["halted", "parked", "redriving"]]),
                Parameter(
                    name: "all", meaning: "Those that only wait behind another too", schema: ["type": "boolean"]),
                Parameter(name: "after", meaning: "Behind this place, as `next` of an answer has it"),
                limit(ParkedSearch.most),
            ]
        case .apiAudit:
            return [
                source, Parameter(name: "q", meaning: "A part of actor, action or subject"),
                Parameter(
                    name: "before", meaning: "Entries before this one, as `before` of an answer has it",
                    schema: ["type": "integer", "format": "int64", "minimum": 1]), limit(500),
            ]
        default: return []
        }
    }

    /// The schema of the body; `nil` where it says no more than who asks.
    var bodySchema: String? {
        switch self {
        case .logLevel: "LogLevel"
        case .makeJob: "JobRequest"
        case .rate: "Rate"
        case .redriveSeveral, .discardSeveral, .parkSeveral: "ParkedChoice"
        default: nil
        }
    }

    /// The schema of the answer, or of each of its items; `nil` for any object.
    var answerSchema: String? {
        switch self {
        case .apiJobs, .apiJob, .stopJob, .resumeJob, .cancelJob, .repeatJob: "Job"
        case .apiEvents: "Events"
        case .apiEvent: "EventAccount"
        case .apiParked: "Parked"
        case .apiAudit: "Audit"
        default: nil
        }
    }

    /// Whether the answer is a list of such.
    var isList: Bool { self == .apiJobs || self == .apiCompleteness }
}

/// The schemas that the description names.
enum APISchemas {
    /// What any body may say.
    static let actor: JSONValue = [
        "type": "object",
        "properties": ["actor": ["type": "string", "maxLength": 80, "description": "Who asks, for the audit"]],
    ]

    static let all: JSONValue = [
        "Error": object(["error": text], required: ["error"]),
        "LogLevel": object(
            [
                "level": [
                    "type": "string",
                    "enum": ["trace", "debug", "info", "notice", "warning", "error", "critical", "default"],
                ], "actor": text,
            ], required: ["level"]),
        "Rate": object(
            ["rate": ["type": "number", "exclusiveMinimum": 0], "actor": text], required: ["rate"]),
        "JobRequest": object(
            [
                "name": text, "kind": ["type": "string", "enum": ["republish"]], "consumer": text, "from": text,
                "since": text,
                "to": text, "until": text, "from_position": position, "to_position": position, "contexts": texts,
                "aggregate_types": texts, "aggregate_ids": texts, "event_types": texts, "topic": text,
                "rate": ["type": "number"], "courtesy": boolean, "dry_run": boolean, "actor": text,
            ], required: ["consumer"]),
        "ParkedChoice": object(
            [
                "source": text, "consumer": text,
                "positions": ["type": "array", "items": position, "maxItems": .number(ParkedChoice.most)],
                "aggregate": text,
                "every": boolean, "actor": text,
            ], required: ["consumer"]),
        "Job": object(
            [
                "job": text, "kind": text, "consumer": text, "state": text, "from_position": position,
                "to_position": position, "checkpoint": position, "progress": ["type": "number"], "published": position,
            ], required: ["job", "state"]),
        "Event": object(
            [
                "position": position, "event_id": ["type": "string", "format": "uuid"], "event_type": text,
                "event_version": ["type": "integer"], "bounded_context": text, "aggregate_type": text,
                "aggregate_id": text,
                "aggregate_version": ["type": ["integer", "null"]], "created_at": ["type": ["string", "null"]],
            ], required: ["position", "event_id", "event_type"]),
        "Events": object(
            [
                "events": ["type": "array", "items": ["$ref": "#/components/schemas/Event"]],
                "before": ["type": ["integer", "null"], "description": "Where the next page goes on"],
                "searched_from": [
                    "type": ["integer", "null"],
                    "description": "Where the search ended after its time, before the beginning of the log",
                ], "latest_position": position,
            ], required: ["events", "before"]),
        "EventAccount": object(
            [
                "position": position, "event_id": ["type": "string", "format": "uuid"], "event_type": text,
                "payload": ["type": ["string", "null"]], "payload_bytes": position, "payload_hidden": boolean,
                "metadata": [:],
                "consumers": [
                    "type": "array",
                    "items": object(
                        [
                            "consumer": text,
                            "state": [
                                "type": "string", "enum": .array(EventFate.Kind.allCases.map { .string($0.rawValue) }),
                            ],
                            "text": text, "record": ["type": ["object", "null"]],
                            "parked": ["type": ["object", "null"]],
                        ], required: ["consumer", "state", "text"]),
                ],
            ], required: ["position", "consumers"]),
        "Parked": object(
            [
                "source": text,
                "events": ["type": "array", "items": ["type": "object"]], "next": ["type": ["string", "null"]],
                "counts": ["type": "array", "items": ["type": "object"]],
            ], required: ["events", "next", "counts"]),
        "Audit": object(
            [
                "source": text,
                "entries": [
                    "type": "array",
                    "items": object(
                        ["id": position, "at": text, "actor": text, "action": text, "subject": text, "details": text],
                        required: ["id", "at", "actor", "action", "subject"]),
                ], "before": ["type": ["integer", "null"], "description": "Where the next page goes on"],
                "looked_from": [
                    "type": ["integer", "null"],
                    "description": "The oldest entry that was looked at for `q`, where older ones were not",
                ],
            ], required: ["entries", "before"]),
    ]

    private static let text: JSONValue = ["type": "string"]
    private static let texts: JSONValue = ["type": "array", "items": ["type": "string"]]
    private static let boolean: JSONValue = ["type": "boolean"]
    private static let position: JSONValue = ["type": "integer", "format": "int64", "minimum": 0]

    private static func object(_ properties: JSONValue, required: JSONValue) -> JSONValue {
        ["type": "object", "properties": properties, "required": required]
    }
}
