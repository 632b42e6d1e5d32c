// Names for the generated shapes, so that the app does not spell out where they come from.

import type { components } from './schema';

type Schemas = components['schemas'];

export type Access = Schemas['Access'];
export type ApiToken = Schemas['ApiTokenDetail'];
export type AuditEntry = Schemas['AuditEntry'];
export type ChannelInfo = Schemas['ChannelInfo'];
export type DeclaredLap = Schemas['DeclaredLap'];
export type Device = Schemas['DeviceSummary'];
export type DeviceCrash = Schemas['DeviceCrash'];
export type DeviceDetails = Schemas['DeviceDetails'];
export type Gate = Schemas['Gate'];
export type IngestKey = Schemas['IngestKeyDetail'];
export type Invitation = Schemas['InvitationDetail'];
export type InvitationView = Schemas['InvitationView'];
export type Lap = Schemas['Lap'];
export type LapKind = Schemas['LapKind'];
export type Me = Schemas['Me'];
export type MyTeam = Schemas['MyTeam'];
export type Person = Schemas['TeamPerson'];
export type Quality = Schemas['Quality'];
export type Report = Schemas['Report'];
export type Role = Schemas['Role'];
export type Series = Schemas['DataSeries'];
export type SessionDetail = Schemas['SessionDetail'];
export type SessionSummary = Schemas['SessionSummary'];
export type Share = Schemas['ShareDetail'];
export type Team = Schemas['TeamDetail'];
export type Uploaded = Schemas['UploadAnswer'];
export type Uptime = Schemas['Uptime'];
export type UptimeSession = Schemas['UptimeSession'];
