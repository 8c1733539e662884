// Short names for the generated schema's types.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Me = Schemas['Me'];
export type ColumnType = Schemas['ColumnType'];
export type Column = Schemas['Column'];
export type Dataset = Schemas['Dataset'];
export type DatasetList = Schemas['DatasetList'];
export type VersionInfo = Schemas['VersionInfo'];
export type Diff = Schemas['Diff'];
export type ChangedRow = Schemas['ChangedRow'];
export type DatasetGrant = Schemas['DatasetGrant'];
export type Role = Schemas['Role'];
export type NewColumn = Schemas['NewColumn'];
export type Receipt = Schemas['Receipt'];
export type Row = Schemas['Row'];
export type RowPage = Schemas['RowPage'];
export type Mode = Schemas['Mode'];
export type CreateUpload = Schemas['CreateUpload'];
export type CreatedUpload = Schemas['CreatedUpload'];
export type UploadState = Schemas['UploadState'];
export type Upload = Schemas['Upload'];
export type Place = Schemas['Place'];
export type QuarantinedRow = Schemas['QuarantinedRow'];
export type QuarantineList = Schemas['QuarantineList'];
export type QuarantineState = Schemas['QuarantineState'];
export type Rules = Schemas['Dataset']['rules'][string];
export type Resubmission = Schemas['Resubmission'];
export type Problem = Schemas['Problem'];
export type CommitRequest = Schemas['CommitRequest'];
export type Conflict = Schemas['Conflict'];
export type CellError = Schemas['CellError'];
