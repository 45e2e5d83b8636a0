/* Made from the OpenAPI document of the service by `npm run api`; do not edit. */

export interface paths {
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/catalogue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            title: {
                                zh: string;
                                en: string;
                            };
                            seq: number;
                            demo: boolean;
                            edits: boolean;
                            /** Format: date-time */
                            now: string;
                            timezone: string;
                            bounds: number[] | null;
                            units: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                            groups: {
                                name: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                            }[];
                            layers: {
                                name: string;
                                group: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                description: {
                                    zh: string;
                                    en: string;
                                };
                                spatial: boolean;
                                geometry: ("polygon" | "line" | "point") | null;
                                shown: boolean;
                                tiles: string | null;
                                tilejson: string | null;
                                raster: boolean;
                                zooms: number[];
                                paint: {
                                    /** @enum {string} */
                                    kind: "fill" | "line" | "circle";
                                    color: string;
                                    dark: string;
                                    outline: string | null;
                                    outline_dark: string | null;
                                    width: number;
                                    opacity: number;
                                    label: string | null;
                                    label_zoom: number;
                                    by: string | null;
                                    colors: {
                                        [key: string]: string;
                                    };
                                } | null;
                                count: number;
                                measures: string[];
                                searchable: string[];
                                items: string;
                                fields: {
                                    name: string;
                                    title: {
                                        zh: string;
                                        en: string;
                                    };
                                    type: string;
                                    unit: string | null;
                                    choices: {
                                        [key: string]: {
                                            zh: string;
                                            en: string;
                                        };
                                    } | null;
                                    reference: string | null;
                                    editable: boolean;
                                    required: boolean;
                                }[];
                                makes: boolean;
                                places: boolean;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/style.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    theme?: "light" | "dark";
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tiles/{layer}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/archives/{name}.pmtiles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    layer?: string | null;
                    bbox?: string | null;
                    from?: string | null;
                    to?: string | null;
                    limit?: number;
                    after?: number | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sets: {
                                seq: number;
                                /** Format: date-time */
                                at: string;
                                actor: string | null;
                                reason: string | null;
                                undoes: number | null;
                                counts: {
                                    [key: string]: number;
                                };
                                bbox: number[] | null;
                            }[];
                            next: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/measures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            layer: string;
                            title: {
                                zh: string;
                                en: string;
                            };
                            description: {
                                zh: string;
                                en: string;
                            };
                            unit: {
                                zh: string;
                                en: string;
                            };
                            /** @enum {string} */
                            kind: "sequential" | "diverging" | "categorical" | "neutral";
                            /** @enum {string} */
                            direction: "high_is_bad" | "low_is_bad" | "neutral";
                            windowed: boolean;
                            citation: {
                                zh: string;
                                en: string;
                            } | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/measures/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    window?: string | null;
                    bbox?: string | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            measure: string;
                            layer: string;
                            ids: number[];
                            values: (number | string | null)[];
                            numerator: (number | null)[];
                            denominator: (number | null)[];
                            coverage: (number | null)[];
                            unit: {
                                zh: string;
                                en: string;
                            };
                            breaks: number[];
                            colors: string[];
                            colors_dark: string[];
                            editions: {
                                [key: string]: unknown;
                            }[];
                            /** Format: date-time */
                            at: string;
                            /** Format: date-time */
                            earliest?: string;
                            window: string[] | null;
                            categories?: string[];
                            labels?: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/meters/{key}/consumption": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    window?: string | null;
                    step?: "month" | "day";
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            meter: {
                                id: number;
                                title: string | null;
                            };
                            kind: string | null;
                            unit: string | null;
                            /** @enum {string} */
                            step: "month" | "day";
                            steps: {
                                /** Format: date-time */
                                start: string;
                                /** Format: date-time */
                                end: string;
                                value: number | null;
                                /** @enum {string} */
                                label: "measured" | "unknown" | "missing";
                            }[];
                            events: {
                                /** Format: date-time */
                                start: string;
                                /** Format: date-time */
                                end: string;
                                /** Format: date-time */
                                at: string | null;
                                kind: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                consumption: number | null;
                            }[];
                            total: number | null;
                            coverage: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    q: string;
                    limit?: number;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            query: string;
                            /** Format: date-time */
                            earliest?: string;
                            results: {
                                layer: string;
                                id: number;
                                title: string | null;
                                field: string;
                                text: string;
                                path: {
                                    layer: string;
                                    id: number;
                                    name: string | null;
                                }[];
                                center: number[] | null;
                                bbox: number[] | null;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/features/{layer_name}/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    layer_name: string;
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            layer: string;
                            id: number;
                            title: string | null;
                            names: {
                                [key: string]: unknown;
                            };
                            path: {
                                layer: string;
                                id: number;
                                name: string | null;
                            }[];
                            insights: {
                                name: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                /** @enum {string} */
                                status: "ok" | "attention" | "bad" | "neutral";
                                headline: {
                                    zh: string;
                                    en: string;
                                };
                                lines: {
                                    name: string;
                                    title: {
                                        zh: string;
                                        en: string;
                                    };
                                    value: unknown;
                                    unit: string | null;
                                    link: {
                                        layer: string;
                                        id: number;
                                        title: string | null;
                                    } | null;
                                }[];
                                citation: {
                                    zh: string;
                                    en: string;
                                } | null;
                            }[];
                            facts: {
                                field: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                value: unknown;
                                label: string | null;
                                unit: string | null;
                                reference: {
                                    layer: string;
                                    id: number;
                                    title: string | null;
                                } | null;
                            }[];
                            source: {
                                source: string | null;
                                source_key: string | null;
                                revision: number;
                                /** Format: date-time */
                                recorded_at: string | null;
                            };
                            /** Format: date-time */
                            earliest?: string;
                            related: {
                                layer: string;
                                role: string | null;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                count: number;
                                items: {
                                    id: number | string;
                                    title: string | null;
                                    subtitle: string | null;
                                }[];
                            }[];
                            center: number[] | null;
                            bbox: number[] | null;
                            geometry: {
                                [key: string]: unknown;
                            } | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/workspaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            title: {
                                zh: string;
                                en: string;
                            };
                            description: {
                                zh: string;
                                en: string;
                            };
                            filters: string[];
                            more: string[];
                            lists: string[];
                            layers: string[];
                            measures: string[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/filters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            layer: string;
                            title: {
                                zh: string;
                                en: string;
                            };
                            description: {
                                zh: string;
                                en: string;
                            };
                            unit: {
                                zh: string;
                                en: string;
                            };
                            /** @enum {string} */
                            tone: "bad" | "attention" | "neutral";
                            group: string | null;
                            citation: {
                                zh: string;
                                en: string;
                            } | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/filters/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            layer: string;
                            title: {
                                zh: string;
                                en: string;
                            };
                            description: {
                                zh: string;
                                en: string;
                            };
                            unit: {
                                zh: string;
                                en: string;
                            };
                            /** @enum {string} */
                            tone: "bad" | "attention" | "neutral";
                            group: string | null;
                            citation: {
                                zh: string;
                                en: string;
                            } | null;
                            count: number;
                            /** Format: date-time */
                            moment: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/lists/{layer}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    format?: "csv" | "xlsx" | "geojson";
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                    named?: string | null;
                    q?: string | null;
                    filter?: string | null;
                    "filter-lang"?: "cql2-text" | "cql2-json";
                    bbox?: string | null;
                    datetime?: string | null;
                    place?: string | null;
                    sort?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/lists/{layer}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    after?: string | null;
                    totals?: boolean;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                    named?: string | null;
                    q?: string | null;
                    filter?: string | null;
                    "filter-lang"?: "cql2-text" | "cql2-json";
                    bbox?: string | null;
                    datetime?: string | null;
                    place?: string | null;
                    sort?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            layer: string;
                            named: string | null;
                            /** Format: date-time */
                            moment: string;
                            columns: {
                                name: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                type: string;
                                unit: string | null;
                                choices: {
                                    [key: string]: {
                                        zh: string;
                                        en: string;
                                    };
                                } | null;
                                reference: string | null;
                                editable: boolean;
                                required: boolean;
                                summed: boolean;
                                shown: boolean;
                                added: boolean;
                            }[];
                            places: ("level" | "building" | "site" | "body")[];
                            rows: {
                                id: number | string;
                                opens: {
                                    layer: string;
                                    id: number;
                                };
                                title: string | null;
                                path: string;
                                center: number[] | null;
                                bbox: number[] | null;
                                values: {
                                    [key: string]: unknown;
                                };
                                refs: {
                                    [key: string]: {
                                        layer: string;
                                        id: number;
                                        title: string | null;
                                    };
                                };
                            }[];
                            next: string | null;
                            total?: number;
                            sums?: {
                                [key: string]: number | null;
                            };
                            on_map?: number;
                            off_map?: {
                                reason: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                count: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/lists/{layer}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                    named?: string | null;
                    q?: string | null;
                    filter?: string | null;
                    "filter-lang"?: "cql2-text" | "cql2-json";
                    bbox?: string | null;
                    datetime?: string | null;
                    place?: string | null;
                    sort?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            total: number;
                            rows: number[][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/lists/{layer}/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    by: "level" | "building" | "site" | "body";
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                    named?: string | null;
                    q?: string | null;
                    filter?: string | null;
                    "filter-lang"?: "cql2-text" | "cql2-json";
                    bbox?: string | null;
                    datetime?: string | null;
                    place?: string | null;
                    sort?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            by: string;
                            groups: {
                                layer: string;
                                id: number | null;
                                title: string | null;
                                path: string;
                                count: number;
                                sums: {
                                    [key: string]: number | null;
                                };
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/lists/{layer}/tiles/{z}/{x}/{y}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                    named?: string | null;
                    q?: string | null;
                    filter?: string | null;
                    "filter-lang"?: "cql2-text" | "cql2-json";
                    bbox?: string | null;
                    datetime?: string | null;
                    place?: string | null;
                    sort?: string | null;
                };
                header?: never;
                path: {
                    z: number;
                    x: number;
                    y: number;
                    layer: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/buildings/{key}/levels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            ordinal: number;
                            short_name: string | null;
                            name: string | null;
                            room_count: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/buildings/{key}/stack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            building: {
                                id: number;
                                title: string | null;
                            };
                            levels: {
                                id: number;
                                ordinal: number;
                                short_name: string | null;
                                base_m: number;
                                height_m: number;
                                assumed: boolean;
                            }[];
                            rooms: {
                                /** @enum {string} */
                                type: "FeatureCollection";
                                features: {
                                    /** @enum {string} */
                                    type: "Feature";
                                    id: number;
                                    geometry: {
                                        [key: string]: unknown;
                                    };
                                    properties: {
                                        level_id: number;
                                        ordinal: number;
                                        base_m: number;
                                        top_m: number;
                                        number: string | null;
                                        name: string | null;
                                        use: string | null;
                                        state: string | null;
                                    };
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trips/{key}/path": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            vehicle: {
                                id: number;
                                title: string | null;
                            };
                            /** Format: date-time */
                            started_at: string;
                            /** Format: date-time */
                            ended_at: string;
                            length_km: number;
                            coordinates: number[][];
                            times: number[];
                            speeds_kmh: (number | null)[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/history/{layer}/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    after?: number | null;
                    geometry?: boolean;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path: {
                    layer: string;
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            layer: string;
                            id: number;
                            title: string | null;
                            /** Format: date-time */
                            since: string | null;
                            versions: {
                                seq: number;
                                /** Format: date-time */
                                recorded_at: string;
                                actor: string | null;
                                reason: string | null;
                                undoes: number | null;
                                /** @enum {string} */
                                operation: "added" | "altered" | "gone";
                                revision: number;
                                fields: {
                                    field: string;
                                    title: {
                                        zh: string;
                                        en: string;
                                    };
                                    unit: string | null;
                                    before: {
                                        value: unknown;
                                        label: string | null;
                                        reference: {
                                            layer: string;
                                            id: number;
                                            title: string | null;
                                        } | null;
                                    } | null;
                                    after: {
                                        value: unknown;
                                        label: string | null;
                                        reference: {
                                            layer: string;
                                            id: number;
                                            title: string | null;
                                        } | null;
                                    } | null;
                                }[];
                                moved: boolean;
                                bbox_before: number[] | null;
                                bbox_after: number[] | null;
                                geometry?: {
                                    [key: string]: unknown;
                                } | null;
                            }[];
                            next: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/changes/between": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    from: string;
                    to?: string | null;
                    layers?: string | null;
                    bbox?: string | null;
                    limit?: number;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            type: "FeatureCollection";
                            /** Format: date-time */
                            from: string;
                            /** Format: date-time */
                            to: string;
                            truncated: boolean;
                            counts: {
                                [key: string]: {
                                    added: number;
                                    altered: number;
                                    gone: number;
                                };
                            };
                            earliest: {
                                [key: string]: string;
                            };
                            features: {
                                /** @enum {string} */
                                type: "Feature";
                                id: string;
                                geometry: {
                                    [key: string]: unknown;
                                } | null;
                                properties: {
                                    /** @enum {string} */
                                    kind: "added" | "altered" | "gone";
                                    layer: string;
                                    id: number;
                                    title: string | null;
                                    /** Format: date-time */
                                    at: string;
                                    moved: boolean;
                                };
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    after?: number | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: {
                    "last-event-id"?: string | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    kind?: string | null;
                    limit?: number;
                    after?: number | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            total: number;
                            by_reason: {
                                reason: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                count: number;
                            }[];
                            rows: {
                                id: number;
                                kind: string;
                                source: string;
                                file: string;
                                row: number | null;
                                values: {
                                    [key: string]: unknown;
                                };
                                reasons: {
                                    field: string | null;
                                    value: string | null;
                                    reason: string;
                                    zh: string;
                                    en: string;
                                }[];
                                /** Format: date-time */
                                batch_at: string;
                            }[];
                            next: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/quarantine/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    kind?: string | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    after?: number | null;
                    at?: string | null;
                    unit?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            rows: {
                                id: number;
                                layer: string;
                                row: number;
                                revision: number | null;
                                name: string;
                                source: string;
                                source_key: string;
                                field: string | null;
                                title: {
                                    zh: string;
                                    en: string;
                                } | null;
                                mine: unknown;
                                file: unknown;
                                before: unknown;
                            }[];
                            next: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/kinds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            kinds: {
                                kind: string;
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                description: {
                                    zh: string;
                                    en: string;
                                };
                                suffixes: string[];
                                layers: string[];
                                spatial: boolean;
                                sheet: boolean;
                            }[];
                            archives: boolean;
                            upload_mb: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/kinds/{kind}/template": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path: {
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    before?: number | null;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            jobs: {
                                id: number;
                                /** @enum {string} */
                                kind: "import" | "archive" | "report";
                                title: {
                                    zh: string;
                                    en: string;
                                };
                                /** @enum {string} */
                                state: "waiting" | "running" | "done" | "failed" | "cancelled";
                                state_title: {
                                    zh: string;
                                    en: string;
                                };
                                phase: {
                                    code: string;
                                    zh: string;
                                    en: string;
                                } | null;
                                done: number | null;
                                total: number | null;
                                own: boolean;
                                arguments: {
                                    [key: string]: unknown;
                                } | null;
                                result: {
                                    [key: string]: unknown;
                                } | null;
                                error: {
                                    [key: string]: unknown;
                                } | null;
                                file: boolean;
                                /** Format: date-time */
                                asked_at: string;
                                /** Format: date-time */
                                started_at: string | null;
                                /** Format: date-time */
                                cancel_asked_at: string | null;
                                /** Format: date-time */
                                finished_at: string | null;
                            }[];
                            next: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            /** @enum {string} */
                            kind: "import" | "archive" | "report";
                            title: {
                                zh: string;
                                en: string;
                            };
                            /** @enum {string} */
                            state: "waiting" | "running" | "done" | "failed" | "cancelled";
                            state_title: {
                                zh: string;
                                en: string;
                            };
                            phase: {
                                code: string;
                                zh: string;
                                en: string;
                            } | null;
                            done: number | null;
                            total: number | null;
                            own: boolean;
                            arguments: {
                                [key: string]: unknown;
                            } | null;
                            result: {
                                [key: string]: unknown;
                            } | null;
                            error: {
                                [key: string]: unknown;
                            } | null;
                            file: boolean;
                            /** Format: date-time */
                            asked_at: string;
                            /** Format: date-time */
                            started_at: string | null;
                            /** Format: date-time */
                            cancel_asked_at: string | null;
                            /** Format: date-time */
                            finished_at: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{key}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path: {
                    key: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sign-in/single": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    back?: string;
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sign-in/single/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            account: {
                                id: number;
                                login: string;
                                name: string;
                                /** @enum {string} */
                                kind: "person" | "service";
                                password: boolean;
                                second_factor: boolean;
                            } | null;
                            roles: {
                                /** @enum {string} */
                                name: "administrator" | "auditor" | "asset_manager" | "dispatcher" | "planner" | "energy_manager" | "network_operator" | "analyst" | "viewer" | "device";
                                title: {
                                    zh: string;
                                    en: string;
                                };
                            }[];
                            grants: {
                                /** @enum {string} */
                                role: "administrator" | "auditor" | "asset_manager" | "dispatcher" | "planner" | "energy_manager" | "network_operator" | "analyst" | "viewer" | "device";
                                body: {
                                    id: number;
                                    name: string | null;
                                } | null;
                                layers: string[] | null;
                                /** Format: date-time */
                                valid_until: string | null;
                            }[];
                            wanting: ("password" | "second_factor") | null;
                            csrf: string | null;
                            session: {
                                id: number;
                                /** Format: date-time */
                                ends_at: string;
                                over_s: number;
                                idle_s: number;
                                /** Format: date-time */
                                since: string;
                            } | null;
                            may: {
                                administer: boolean;
                                audit: boolean;
                            };
                            ended: {
                                why: string;
                                text: string;
                            } | null;
                            /** @enum {string} */
                            anonymous: "public" | "estate" | "refuse";
                            sign_in: {
                                password: boolean;
                                single_sign_on: string | null;
                                demo: string[];
                                rules: {
                                    length: number;
                                    classes: number;
                                    passphrase: number;
                                    remembered: number;
                                };
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sessions: {
                                id: number;
                                method: string;
                                /** Format: date-time */
                                created_at: string;
                                /** Format: date-time */
                                seen_at: string;
                                address: string | null;
                                agent: string | null;
                                current: boolean;
                                login?: string;
                                name?: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            tokens: {
                                id: number;
                                name: string;
                                /** @enum {string} */
                                scope: "read" | "edit";
                                layers: string[] | null;
                                /** Format: date-time */
                                created_at: string;
                                /** Format: date-time */
                                expires_at: string | null;
                                /** Format: date-time */
                                revoked_at: string | null;
                                /** Format: date-time */
                                used_at: string | null;
                                login?: string;
                                account?: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/administration/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sessions: {
                                id: number;
                                method: string;
                                /** Format: date-time */
                                created_at: string;
                                /** Format: date-time */
                                seen_at: string;
                                address: string | null;
                                agent: string | null;
                                current: boolean;
                                login?: string;
                                name?: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/administration/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            tokens: {
                                id: number;
                                name: string;
                                /** @enum {string} */
                                scope: "read" | "edit";
                                layers: string[] | null;
                                /** Format: date-time */
                                created_at: string;
                                /** Format: date-time */
                                expires_at: string | null;
                                /** Format: date-time */
                                revoked_at: string | null;
                                /** Format: date-time */
                                used_at: string | null;
                                login?: string;
                                account?: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/administration/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            accounts: {
                                id: number;
                                login: string;
                                name: string;
                                /** @enum {string} */
                                kind: "person" | "service";
                                password: boolean;
                                must_change: boolean;
                                second_factor: boolean;
                                external: boolean;
                                /** Format: date-time */
                                locked_until: string | null;
                                /** Format: date-time */
                                disabled_at: string | null;
                                /** Format: date-time */
                                created_at: string;
                                created_by: string | null;
                                /** Format: date-time */
                                seen_at: string | null;
                                grants: {
                                    id: number;
                                    /** @enum {string} */
                                    role: "administrator" | "auditor" | "asset_manager" | "dispatcher" | "planner" | "energy_manager" | "network_operator" | "analyst" | "viewer" | "device";
                                    body: {
                                        id: number;
                                        name: string | null;
                                    } | null;
                                    layers: string[] | null;
                                    /** Format: date-time */
                                    valid_until: string | null;
                                    /** @enum {string} */
                                    origin: "hand" | "group";
                                    granted_by: string | null;
                                    /** Format: date-time */
                                    granted_at: string;
                                    over: boolean;
                                }[];
                            }[];
                            roles: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                            may_change: boolean;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/administration/bodies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            bodies: {
                                id: number;
                                name: string;
                                code: string | null;
                                parent: number | null;
                                grants: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    before?: number | null;
                    limit?: number;
                    lang?: string | null;
                    from?: string | null;
                    to?: string | null;
                    account?: string | null;
                    kind?: "sign_in" | "sign_out" | "refusal" | "read" | "export" | "change" | "administration" | "import" | "backup" | "restore" | "prune" | "verify" | "dropped";
                    outcome?: string | null;
                    layer?: string | null;
                    text?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            records: {
                                number: number;
                                batch: number;
                                /** Format: date-time */
                                at: string;
                                /** @enum {string} */
                                kind: "sign_in" | "sign_out" | "refusal" | "read" | "export" | "change" | "administration" | "import" | "backup" | "restore" | "prune" | "verify" | "dropped";
                                outcome: string;
                                account: string | null;
                                account_id: number | null;
                                address: string | null;
                                request: string | null;
                                route: string | null;
                                layer: string | null;
                                details: {
                                    [key: string]: unknown;
                                };
                            }[];
                            next: number | null;
                            kinds: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                            outcomes: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                            layers: {
                                [key: string]: {
                                    zh: string;
                                    en: string;
                                };
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    lang?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            last: number | null;
                            /** Format: date-time */
                            sealed_at: string | null;
                            waiting: number;
                            /** Format: date-time */
                            verified_at: string | null;
                            verified: string | null;
                            verified_age_s: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    format?: "csv" | "xlsx";
                    lang?: string | null;
                    from?: string | null;
                    to?: string | null;
                    account?: string | null;
                    kind?: "sign_in" | "sign_out" | "refusal" | "read" | "export" | "change" | "administration" | "import" | "backup" | "restore" | "prune" | "verify" | "dropped";
                    outcome?: string | null;
                    layer?: string | null;
                    text?: string | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
