# SPDX-License-Identifier: Apache-2.0
"""From a PACS to a preprocessed volume, without a file in between.

    pip install 'voxkern[io,pacs]'
    python pacs.py --by get --server 127.0.0.1:4242 STUDY_UID SERIES_UID out.nii.gz
    python pacs.py --by move --server 127.0.0.1:4242 --listen 11113 STUDY_UID SERIES_UID out.nii.gz
    python pacs.py --by web --web http://127.0.0.1:8042/dicom-web STUDY_UID SERIES_UID out.nii.gz

``get``: C-GET, the images come back on the connection that asked. ``move``: C-MOVE, the PACS opens a
connection of its own and sends them by C-STORE; it must know this AE title and port. ``web``: DICOMweb
(WADO-RS), usually the fastest.
"""

import argparse
import sys

import voxkern as vk

SUCCESS, WARNING, PENDING = 0x0000, 0xB000, (0xFF00, 0xFF01)


def receiver(received):
    """Return a C-STORE handler that appends each image, complete as a file would be, to ``received``."""

    def store(event):
        received.append(event.encoded_dataset())
        return SUCCESS

    return store


def request(study, series):
    """Return what C-GET and C-MOVE ask with: one series, by its UIDs."""
    from pydicom.dataset import Dataset

    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID, query.SeriesInstanceUID = study, series
    return query


def check(responses):
    """Read the answers to the end; an error where the server did not send everything."""
    for status, _ in responses:
        if not status:
            raise ConnectionError("the connection was lost")
        if status.Status not in (SUCCESS, *PENDING):
            raise ConnectionError(f"the server answered 0x{status.Status:04X}")


def by_get(host, port, called, calling, study, series):
    """Return the images of a series by C-GET."""
    from pynetdicom import AE, StoragePresentationContexts, build_role, evt
    from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelGet as Model

    received = []
    ae = AE(ae_title=calling)
    ae.maximum_pdu_size = 0
    ae.add_requested_context(Model)
    # A connection carries at most 128 contexts: the common storage classes, and the roles turned round.
    storage = [c.abstract_syntax for c in StoragePresentationContexts][:120]
    for uid in storage:
        ae.add_requested_context(uid)
    roles = [build_role(uid, scp_role=True) for uid in storage]
    association = ae.associate(
        host, port, ae_title=called, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, receiver(received))]
    )
    if not association.is_established:
        raise ConnectionError(f"{host}:{port} refused the association")
    try:
        check(association.send_c_get(request(study, series), Model))
    finally:
        association.release()
    return received


def by_move(host, port, called, calling, listen, study, series):
    """Return the images of a series by C-MOVE: they arrive by C-STORE on a port of our own."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt
    from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelMove as Model

    received = []
    ae = AE(ae_title=calling)
    ae.maximum_pdu_size = 0
    ae.add_requested_context(Model)
    ae.supported_contexts = AllStoragePresentationContexts
    server = ae.start_server(
        ("127.0.0.1", listen), block=False, evt_handlers=[(evt.EVT_C_STORE, receiver(received))]
    )
    try:
        association = ae.associate(host, port, ae_title=called)
        if not association.is_established:
            raise ConnectionError(f"{host}:{port} refused the association")
        try:
            check(association.send_c_move(request(study, series), calling, Model))
        finally:
            association.release()
    finally:
        server.shutdown()
    return received


def by_web(url, study, series):
    """Return the images of a series by DICOMweb."""
    from dicomweb_client import DICOMwebClient

    return DICOMwebClient(url=url).retrieve_series(study, series)


def main(argv=None):
    """Fetch, preprocess, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    parser.add_argument("series")
    parser.add_argument("output")
    parser.add_argument("--by", choices=("get", "move", "web"), default="get")
    parser.add_argument("--server", default="127.0.0.1:4242", metavar="HOST:PORT")
    parser.add_argument("--called", default="ORTHANC", help="AE title of the PACS")
    parser.add_argument("--calling", default="VOXKERN", help="our AE title")
    parser.add_argument("--listen", type=int, default=11113, help="our port, for --by move")
    parser.add_argument("--web", default="http://127.0.0.1:8042/dicom-web", metavar="URL")
    args = parser.parse_args(argv)
    host, _, port = args.server.rpartition(":")
    if args.by == "web":
        images = by_web(args.web, args.study, args.series)
    elif args.by == "get":
        images = by_get(host, int(port), args.called, args.calling, args.study, args.series)
    else:
        images = by_move(host, int(port), args.called, args.calling, args.listen, args.study, args.series)
    volume = vk.preprocess(images, args.output, spacing=1.0, order=1)
    print(f"{len(images)} images, {volume}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
